import { javaHashOrder } from './java-hash-order.ts'
import { JavaTreeSet } from './java-tree-set.ts'
import type { NodeSpec } from './node-spec.ts'
import { INTERNAL_PREFIX, type SubTopology } from './sub-topology.ts'
import { writtenPattern } from './topic-pattern.ts'

/**
 * The text of Kafka Streams' `Topology.describe()`, so that what draws theirs draws ours. Internal topics print without
 * the application id, which a topology does not know.
 *
 * @see Kafka Streams `InternalTopologyBuilder.TopologyDescription#toString`
 */
export function describeTopology(
  subTopologies: readonly SubTopology[],
  globalSubTopologies: readonly SubTopology[] = []
): string {
  const texts = [
    ...subTopologies.map(sub => ({ id: sub.id, text: describeSubTopology(sub) })),
    ...globalSubTopologies.map(sub => ({ id: sub.id, text: describeGlobalStore(sub) }))
  ]
  texts.sort((a, b) => a.id - b.id)
  return `Topologies:\n ${texts.map(({ text }) => text).join('')}`
}

/** A node in the making: Java's neighbours are sets ordered by a size that still grows while they are filled. */
interface Described {
  readonly spec: NodeSpec
  readonly predecessors: JavaTreeSet<Described>
  readonly successors: JavaTreeSet<Described>
  /** Of the tree below it, itself included; nodes reached twice count twice. */
  size: number
}

function describeGlobalStore(sub: SubTopology): string {
  const lines = describedNodes(sub).map(node => `    ${describeNode(node)}\n`)
  return `  Sub-topology: ${sub.id} for global store (will not generate tasks)\n${lines.join('')}`
}

function describeSubTopology(sub: SubTopology): string {
  const lines = describedNodes(sub).map(node => `    ${describeNode(node)}\n`)
  return `  Sub-topology: ${sub.id}\n${lines.join('')}\n`
}

function describedNodes(sub: SubTopology): Described[] {
  // Java collects the names in a hash set and the nodes in a hash map: the order in which they are connected shows.
  const names = javaHashOrder(javaHashOrder(sub.nodes.map(node => node.name)))
  const specs = new Map(sub.nodes.map(node => [node.name, node]))
  const nodes = new Map<string, Described>()
  for (const name of names) {
    const spec = specs.get(name) as NodeSpec
    nodes.set(name, { spec, predecessors: new JavaTreeSet(compare), successors: new JavaTreeSet(compare), size: 1 })
  }
  for (const node of nodes.values()) {
    for (const parent of node.spec.kind === 'source' ? [] : node.spec.parents) {
      const predecessor = nodes.get(parent) as Described
      node.predecessors.add(predecessor)
      predecessor.successors.add(node)
      grow(predecessor, node.size)
    }
  }
  return [...nodes.values()].sort(compare)
}

function grow(node: Described, by: number): void {
  node.size += by
  for (const predecessor of node.predecessors) grow(predecessor, by)
}

function compare(a: Described, b: Described): number {
  return b.size - a.size || (a.spec.name < b.spec.name ? -1 : a.spec.name > b.spec.name ? 1 : 0)
}

function describeNode({ spec, predecessors, successors }: Described): string {
  const to = `\n      --> ${namesOf(successors)}`
  const from = `\n      <-- ${namesOf(predecessors)}`
  switch (spec.kind) {
    case 'source': {
      const topics =
        spec.topics instanceof RegExp
          ? writtenPattern(spec.topics)
          : `[${javaHashOrder(spec.topics, true).map(shown).join(', ')}]`
      return `Source: ${spec.name} (topics: ${topics})${to}`
    }
    case 'processor':
      return `Processor: ${spec.name} (stores: [${javaHashOrder(spec.stores, true).join(', ')}])${to}${from}`
    case 'sink': {
      const topic =
        typeof spec.topic === 'string' ? `topic: ${shown(spec.topic)}` : `extractor class: ${nameOf(spec.topic)}`
      return `Sink: ${spec.name} (${topic})${from}`
    }
  }
}

function namesOf(nodes: Iterable<Described>): string {
  return [...nodes].map(node => node.spec.name).join(', ') || 'none'
}

function nameOf(extractor: { readonly name: string }): string {
  return extractor.name || 'anonymous'
}

function shown(topic: string): string {
  return topic.startsWith(INTERNAL_PREFIX) ? topic.slice(INTERNAL_PREFIX.length) : topic
}
