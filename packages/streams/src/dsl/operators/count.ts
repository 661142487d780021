import { int64 } from '../../core/index.ts'
import { checkMaterialized, isMaterialized, type MaterializedOptions } from '../materialized.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import type { TableHandle } from '../table-handle.ts'
import { aggregateStream, type KeyValueHandle } from './aggregate.ts'

/** Documented at `KGroupedStream.count`. */
export function count<K, V>(
  grouped: GroupedStreamHandle<K, V>,
  options: MaterializedOptions<K, number> = {}
): TableHandle<K, number, KeyValueHandle<K, number>> {
  checkMaterialized('count()', options)
  useUpNumber(grouped, options)
  const aggregation = {
    operator: 'count',
    initializer: () => 0,
    aggregator: (_key: K, _value: V, count: number) => count + 1,
    valueSerde: int64()
  }
  return aggregateStream(grouped, aggregation, options)
}

/** Kafka Streams' `count(Materialized)` without a store name uses up one number more, for the sake of old topologies. */
export function useUpNumber(grouped: GroupedStreamHandle<any, any>, options: MaterializedOptions<any, number>): void {
  if (isMaterialized(options) && options.store === undefined) grouped.upstream.graph.names.store('KSTREAM-AGGREGATE-')
}
