import type { Serde } from '../core/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { type AnySupplier, GraphNode, type NodeTraits } from './graph/graph-node.ts'
import { repartitionNode } from './repartition-node.ts'
import type { GroupedStreamHandle } from './stream-handle.ts'
import type { AnyStoreHandle, TableHandle } from './table-handle.ts'
import type { TableView } from './table/table-view.ts'

export interface Aggregation<K, V, H extends AnyStoreHandle> {
  readonly nodeName: string
  readonly store: StoreSpec
  readonly supplier: AnySupplier
  readonly view: TableView<K, V>
  readonly key: Serde<K>
  readonly value: Serde<V>
  readonly handle: H | undefined
  readonly traits?: NodeTraits
}

/**
 * Adds the node of an aggregation of a grouped stream, behind a repartition topic if one is needed.
 *
 * @see Kafka Streams `GroupedStreamAggregateBuilder#build`
 */
export function addAggregation<K, V, H extends AnyStoreHandle>(
  grouped: GroupedStreamHandle<any, any>,
  aggregation: Aggregation<K, V, H>
): TableHandle<K, V, H> {
  const { upstream, name } = grouped
  const { graph } = upstream
  let parent = upstream.node
  let { sources } = upstream
  if (upstream.needsRepartition) {
    const fresh = repartitionNode(graph, {
      prefix: name === undefined ? aggregation.store.name : graph.names.give(name),
      key: upstream.key,
      value: upstream.value,
      where: 'groupBy() or groupByKey()',
      isMergeable: true
    })
    // Under a name of the user's, all aggregations of this grouping share the topic.
    if (grouped.repartition === undefined || name === undefined) grouped.repartition = fresh
    parent = graph.add(grouped.repartition, parent)
    sources = new Set([fresh.name])
  }
  const { nodeName, store, supplier, view, key, value, handle, traits } = aggregation
  const step = { kind: 'processor', supplier, stores: () => [store] } as const
  const node = graph.add(new GraphNode(nodeName, step, traits), parent)
  return { graph, node, key, value, sources, view, store: handle }
}
