import { StreamsError } from '../../core/index.ts'
import { checkNodeOptions } from '../../topology/index.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import { PassThrough } from '../pass-through.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.merge`. */
export function merge<K1, V1, K2, V2>(
  first: StreamHandle<K1, V1>,
  second: StreamHandle<K2, V2>,
  options: NamedOptions = {}
): StreamHandle<K1 | K2, V1 | V2> {
  checkNodeOptions('merge()', options, ['name'])
  const { graph } = first
  if (second.graph !== graph) {
    throw new StreamsError('TOPOLOGY_INVALID', 'merge() joins streams of one StreamsBuilder; these are of two.')
  }
  const name = graph.names.orGenerate(options.name, 'KSTREAM-MERGE-')
  const node = new GraphNode(name, { kind: 'processor', supplier: () => new PassThrough() }, { isMerge: true })
  graph.add(node, first.node, second.node)
  return {
    graph,
    node,
    sources: new Set([...first.sources, ...second.sources]),
    key: (first.key as unknown) === second.key ? first.key : undefined,
    value: (first.value as unknown) === second.value ? first.value : undefined,
    needsRepartition: first.needsRepartition || second.needsRepartition
  }
}
