import { int64, type Windowed } from '../../core/index.ts'
import { checkMaterialized, type WindowMaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import { useUpNumber } from './count.ts'
import { aggregateWindows, type TimeWindowedStreamHandle, type WindowHandle } from './windowed-aggregate.ts'

/**
 * Counts the records of each key and window and emits the count on every update.
 *
 * Records with a null key are dropped; those with a null value count. Late records as in `aggregate`.
 *
 * @param options - `value` is the serde of the counts; default `int64()`.
 * @throws StreamsError `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `TimeWindowedKStream#count`
 */
export function windowedCount<K, V>(
  handle: TimeWindowedStreamHandle<K, V>,
  options: WindowMaterializedOptions<K, number> = {}
): TableHandle<Windowed<K>, number, WindowHandle<K, number>> {
  checkMaterialized('count()', options, true)
  useUpNumber(handle.grouped, options)
  const aggregation = {
    operator: 'count',
    prefix: 'KSTREAM-AGGREGATE-',
    initializer: () => 0,
    aggregator: (_key: K, _value: V, count: number) => count + 1,
    valueSerde: int64()
  }
  return aggregateWindows(handle, aggregation, options)
}
