import type { DslGraph } from './dsl-graph.ts'
import type { GraphNode } from './graph-node.ts'

/**
 * Gives joins of a stream with itself one store instead of two. Run after all passes that may make two streams one.
 *
 * @see Kafka Streams `InternalStreamsBuilder#rewriteSingleStoreSelfJoin`
 */
export function joinInOneStore(graph: DslGraph): void {
  const seen = new Set<GraphNode>()
  const visit = (node: GraphNode): void => {
    if (seen.has(node)) return
    seen.add(node)
    const { logical, parents } = node
    if (logical.kind === 'processor-group' && logical.selfJoin !== undefined && parents.size === 1) {
      const { sparedNode, group } = logical.selfJoin
      for (const parent of parents) {
        for (const child of [...parent.children]) if (child.name === sparedNode) parent.removeChild(child)
      }
      node.logical = group
    }
    for (const child of node.children) visit(child)
  }
  visit(graph.root)
}
