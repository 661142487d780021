import { changeSerde } from '../core/index.ts'
import type { StoreHandle } from '../topology/index.ts'
import { legalName } from '../topology/index.ts'
import { type AnySupplier, GraphNode } from './graph/graph-node.ts'
import { keyValueHandle, keyValueStore, type MaterializedOptions, storeName } from './materialized.ts'
import { AggregateView } from './operators/aggregate.ts'
import { resolveSerde } from './resolve-serde.ts'
import { storeReader } from './table/store-reader.ts'
import type { GroupedTableHandle, TableHandle } from './table-handle.ts'

export interface TableAggregation<A> {
  readonly operator: string
  readonly prefix: string
  /** Used when none is given. */
  readonly valueSerde: TableHandle<unknown, A>['value']
  supplier(storeName: string, sendsOldValues: () => boolean): AnySupplier
}

/**
 * Adds the node of an aggregation of a grouped table, behind its repartition topic.
 *
 * @see Kafka Streams `KGroupedTableImpl#doAggregate`
 */
export function addTableAggregation<K, A>(
  grouped: GroupedTableHandle<K, any>,
  aggregation: TableAggregation<A>,
  options: MaterializedOptions<K, A>
): TableHandle<K, A, StoreHandle<K, A, 'timestamped-key-value'>> {
  const { graph } = grouped
  const { operator, prefix } = aggregation
  // All three begin with AGGREGATE here: reduce too names its store so.
  const { name: store, isNamed } = storeName(graph, options, 'KTABLE-AGGREGATE-')
  const sinkName = graph.names.suffixedOrGenerate(options.name, '-sink', 'KSTREAM-SINK-')
  const sourceName = graph.names.suffixedOrGenerate(options.name, '-source', 'KSTREAM-SOURCE-')
  const name = graph.names.orGenerate(options.name, prefix)
  const key = resolveSerde<K>('key', options.key, grouped.key, name, `${operator}()`)
  const value = resolveSerde<A>('value', options.value, aggregation.valueSerde, name, `${operator}()`)

  if (grouped.repartition === undefined || grouped.name === undefined) {
    grouped.repartition = new GraphNode(sourceName, {
      kind: 'repartition',
      filterName: undefined,
      sinkName,
      suffix: legalName(`${grouped.name ?? store}-repartition`, 'repartition topic'),
      key: resolveSerde('key', undefined, grouped.key, name, 'groupBy()'),
      value: changeSerde(resolveSerde('value', undefined, grouped.value, name, 'groupBy()')),
      partitionCount: undefined,
      partitioner: undefined,
      isMergeable: false
    })
  }
  const { repartition } = grouped
  graph.add(repartition, grouped.node)

  const spec = keyValueStore(store, key, value, options)
  const view = new AggregateView<K, A>(storeReader(store), spec.historyRetentionMs)
  const supplier = aggregation.supplier(store, () => view.sendsOldValues)
  const node = new GraphNode(name, { kind: 'processor', supplier, stores: () => [spec] })
  graph.add(node, repartition)
  const handle = isNamed ? keyValueHandle<K, A>(spec) : undefined
  return { graph, node, key, value, sources: new Set([sourceName]), view, store: handle }
}
