import { type ProcessorSupplier, StreamsError, type TimestampExtractor } from '../core/index.ts'
import { describeTopology } from './describe.ts'
import { DisjointSets } from './disjoint-sets.ts'
import type { AnySerde, NodeSpec, SourceNodeSpec, StreamPartitioner, TopicNameExtractor } from './node-spec.ts'
import type { StoreSpec } from './store-spec.ts'
import {
  type CopartitionGroup,
  INTERNAL_PREFIX,
  type RepartitionTopicSpec,
  type SubTopology,
  type Topology
} from './sub-topology.ts'

/** A node as it was added: it knows its parents, and not yet its children. */
export type AddedNode =
  | {
      readonly kind: 'source'
      readonly name: string
      readonly parents: readonly string[]
      readonly topics: readonly string[] | RegExp
      readonly key: AnySerde
      readonly value: AnySerde
      readonly timestampExtractor: TimestampExtractor | undefined
      readonly offsetReset: SourceNodeSpec['offsetReset']
    }
  | {
      readonly kind: 'processor'
      readonly name: string
      readonly parents: readonly string[]
      readonly stores: string[]
      readonly supplier: ProcessorSupplier<any, any, any, any>
    }
  | {
      readonly kind: 'sink'
      readonly name: string
      readonly parents: readonly string[]
      readonly topic: string | TopicNameExtractor
      readonly key: AnySerde
      readonly value: AnySerde
      readonly partitioner: StreamPartitioner | undefined
    }

export interface AddedTopology {
  /** In the order in which they were added. */
  readonly nodes: ReadonlyMap<string, AddedNode>
  readonly stores: ReadonlyMap<string, { readonly spec: StoreSpec; readonly owners: readonly string[] }>
  readonly internalTopics: ReadonlyMap<string, RepartitionTopicSpec>
  readonly copartitioned: readonly { readonly node: string; readonly sources: readonly string[] }[]
  readonly groups: DisjointSets
  /** Sources of global stores. */
  readonly globalSources: ReadonlySet<string>
}

/** Splits what was added into sub-topologies, numbered by their first nodes. */
export function writtenTopology(added: AddedTopology): Topology {
  const groups = new Map<string, AddedNode[]>()
  for (const node of added.nodes.values()) {
    const root = added.groups.root(node.name)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [node])
    else group.push(node)
  }
  if (groups.size === 0) {
    throw new StreamsError('TOPOLOGY_INVALID', 'The topology is empty. Add at least one source, for example stream().')
  }
  const copartitionGroups = mergedCopartitionGroups(added)
  const subTopologies: SubTopology[] = []
  const globalSubTopologies: SubTopology[] = []
  for (const [id, nodes] of [...groups.values()].entries()) {
    const isGlobal = nodes.some(node => added.globalSources.has(node.name))
    const subs = isGlobal ? globalSubTopologies : subTopologies
    subs.push(subTopology(id, nodes, added, copartitionGroups))
  }
  return {
    subTopologies,
    globalSubTopologies,
    describe: () => describeTopology(subTopologies, globalSubTopologies)
  }
}

function subTopology(
  id: number,
  added: readonly AddedNode[],
  topology: AddedTopology,
  copartitionGroups: readonly CopartitionGroup[]
): SubTopology {
  const children = new Map<string, string[]>(added.map(node => [node.name, []]))
  for (const node of added) for (const parent of node.parents) children.get(parent)?.push(node.name)

  const nodes = added.map((node): NodeSpec => {
    if (node.kind === 'sink') return node
    const { parents, ...rest } = node
    const kids = children.get(node.name) as string[]
    return rest.kind === 'source' ? { ...rest, children: kids } : { ...rest, parents, children: kids }
  })

  const stores = new Map<string, StoreSpec>()
  const sourceTopics: string[] = []
  const sourcePatterns: RegExp[] = []
  const sinkTopics: string[] = []
  for (const node of added) {
    if (node.kind === 'processor') {
      for (const name of node.stores) {
        const spec = topology.stores.get(name)?.spec
        if (spec !== undefined) stores.set(name, spec)
      }
    } else if (node.kind === 'sink') {
      if (typeof node.topic === 'string' && !sinkTopics.includes(node.topic)) sinkTopics.push(node.topic)
    } else if (node.topics instanceof RegExp) sourcePatterns.push(node.topics)
    else sourceTopics.push(...node.topics)
  }

  return {
    id,
    nodes,
    stores: [...stores.values()],
    storeOwners: new Map([...stores.keys()].map(name => [name, topology.stores.get(name)?.owners ?? []])),
    sourceTopics,
    sourcePatterns,
    sinkTopics,
    repartitionSources: sourceTopics.flatMap(topic => topology.internalTopics.get(topic) ?? []),
    copartitionGroups: copartitionGroups.filter(
      ({ topics, patterns }) =>
        topics.some(topic => sourceTopics.includes(topic)) ||
        patterns?.some(pattern => sourcePatterns.includes(pattern))
    )
  }
}

/** Demands that share a topic or a pattern are one demand. */
function mergedCopartitionGroups(added: AddedTopology): CopartitionGroup[] {
  const together = new DisjointSets()
  const demands = added.copartitioned.map(({ node, sources }) => {
    const topics = sources.flatMap(name => topicsOf(added, name))
    const names = topics.map(String)
    for (const name of names) together.unite(names[0] as string, name)
    return { node, topics, first: names[0] }
  })
  const groups = new Map<string, { node: string; topics: Set<string>; patterns: Set<RegExp> }>()
  for (const { node, topics, first } of demands) {
    if (first === undefined) continue
    const root = together.root(first)
    const group = groups.get(root) ?? { node, topics: new Set(), patterns: new Set() }
    groups.set(root, group)
    for (const topic of topics) {
      if (topic instanceof RegExp) group.patterns.add(topic)
      else group.topics.add(topic)
    }
  }
  const merged = [...groups.values()].map(({ node, topics, patterns }) =>
    patterns.size === 0 ? { node, topics: [...topics] } : { node, topics: [...topics], patterns: [...patterns] }
  )
  for (const group of merged) checkFixedCounts(group, added.internalTopics)
  return merged.filter(group => group.topics.length > 1 || group.patterns !== undefined)
}

function topicsOf(added: AddedTopology, name: string): readonly (string | RegExp)[] {
  const source = added.nodes.get(name)
  if (source?.kind !== 'source') return []
  return source.topics instanceof RegExp ? [source.topics] : source.topics
}

function checkFixedCounts(group: CopartitionGroup, internal: ReadonlyMap<string, RepartitionTopicSpec>): void {
  const fixed = group.topics.flatMap(topic => {
    const partitionCount = internal.get(topic)?.partitionCount
    return partitionCount === undefined ? [] : [{ topic: topic.slice(INTERNAL_PREFIX.length), partitionCount }]
  })
  const first = fixed[0]
  const other = fixed.find(({ partitionCount }) => partitionCount !== first?.partitionCount)
  if (first === undefined || other === undefined) return
  throw new StreamsError(
    'TOPOLOGY_NOT_COPARTITIONED',
    `Node '${group.node}' needs '${first.topic}' and '${other.topic}' to have equal partition counts, but repartition() fixed them at ${first.partitionCount} and ${other.partitionCount}. Fix one count for both.`,
    { details: { node: group.node, topics: fixed } }
  )
}
