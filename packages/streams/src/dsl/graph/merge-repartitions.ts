import { repartitionNode } from '../repartition-node.ts'
import type { CopartitionDemand, DslGraph } from './dsl-graph.ts'
import type { GraphNode, Repartition } from './graph-node.ts'

/**
 * Lets what was re-keyed once go through one repartition topic, right below what changed the key, instead of one for each
 * aggregation or join. It has the name of the first.
 *
 * Only where nothing in between changes the values: the topic holds them as they leave the node that changed the key.
 *
 * @see Kafka Streams `InternalStreamsBuilder#mergeRepartitionTopics`
 */
export function mergeRepartitions(graph: DslGraph): void {
  for (const [changer, repartitions] of repartitionsByChanger(graph.root)) {
    const first = repartitions[0]
    if (first === undefined) continue
    const { suffix, key, value } = first.logical as Repartition
    const merged = repartitionNode(graph, { prefix: suffix, key, value, where: 'groupBy()', isMergeable: true })
    // Written right after the node that changed the key, before all that was added below it.
    merged.buildPriority = changer.buildPriority
    for (const repartition of repartitions) {
      const below = nearest(repartition, node => node.parents.has(changer))
      // Two repartitions may lie below the same child, which was moved with the first.
      if (below !== undefined && changer.children.has(below)) {
        merged.addChild(below)
        changer.removeChild(below)
      }
      bypass(repartition)
      renameSources(graph.copartitioned, repartition.name, merged.name)
    }
    changer.addChild(merged)
  }
}

/** Nodes that change the key, or merge such streams, with the repartitions that follow from it; in the order of the nodes. */
function repartitionsByChanger(root: GraphNode): Map<GraphNode, GraphNode[]> {
  const nodes = inOrderOfBuilding(root)
  const found = new Map<GraphNode, GraphNode[]>()
  for (const node of nodes) {
    if (node.traits.changesKey === true) found.set(node, [])
    else if (node.logical.kind === 'repartition' && node.logical.isMergeable) {
      const changer = nearest(node, candidate => candidate.traits.changesKey === true)
      const first = nearest(node, ({ traits }) => traits.changesKey === true || traits.changesValue === true)
      if (changer !== undefined && changer === first) found.get(changer)?.push(node)
    }
  }
  for (const merge of nodes) {
    if (merge.traits.isMerge !== true) continue
    // All that was re-keyed above the merge meets there, so there is the place for the one topic.
    const above = [...found].filter(
      ([changer, repartitions]) =>
        repartitions.every(node => nearest(node, candidate => candidate.parents.has(merge)) !== undefined) &&
        nearest(merge, candidate => candidate.parents.has(changer)) !== undefined
    )
    found.set(merge, [...new Set(above.flatMap(([, repartitions]) => repartitions))])
    for (const [changer] of above) found.delete(changer)
  }
  return found
}

function inOrderOfBuilding(root: GraphNode): GraphNode[] {
  const all = new Set([root])
  for (const node of all) for (const child of node.children) all.add(child)
  return [...all].sort((a, b) => a.buildPriority - b.buildPriority)
}

/** The node itself, or the nearest above it, that fits. */
function nearest(node: GraphNode, fits: (node: GraphNode) => boolean): GraphNode | undefined {
  if (fits(node)) return node
  let found: GraphNode | undefined
  for (const parent of node.parents) {
    if (fits(parent)) return parent
    found = nearest(parent, fits)
  }
  return found
}

/** Takes a node out: its parents get its children. */
function bypass(node: GraphNode): void {
  const parents = [...node.parents]
  for (const child of [...node.children]) {
    for (const parent of parents) parent.addChild(child)
    node.removeChild(child)
  }
  for (const parent of parents) parent.removeChild(node)
}

function renameSources(demands: CopartitionDemand[], from: string, to: string): void {
  for (const [index, { node, sources }] of demands.entries()) {
    if (!sources.has(from)) continue
    demands[index] = { node, sources: new Set([...sources].map(source => (source === from ? to : source))) }
  }
}
