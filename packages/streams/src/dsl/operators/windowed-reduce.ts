import type { Windowed } from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { checkMaterialized, type WindowMaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import { aggregateWindows, type TimeWindowedStreamHandle, type WindowHandle } from './windowed-aggregate.ts'

/**
 * Combines the values of each key and window into one of the same type and emits it on every update.
 *
 * Records with a null key are dropped. Late records as in `aggregate`.
 *
 * @param reducer - Called as `reducer(aggregate, value)` from a window's second value on; the first is taken as it is.
 *   Returns the new value, or null to delete it. Synchronous.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `TimeWindowedKStream#reduce`
 */
export function windowedReduce<K, V>(
  handle: TimeWindowedStreamHandle<K, V>,
  reducer: (aggregate: V, value: V) => V | null,
  options: WindowMaterializedOptions<K, V> = {}
): TableHandle<Windowed<K>, V, WindowHandle<K, V>> {
  checkMaterialized('reduce()', options, true)
  checkFunction('reduce', 'reducer', reducer)
  const aggregation = {
    operator: 'reduce',
    prefix: 'KSTREAM-REDUCE-',
    initializer: () => null,
    aggregator: (_key: K, value: V, aggregate: V | null) => (aggregate === null ? value : reducer(aggregate, value)),
    valueSerde: handle.grouped.upstream.value
  }
  return aggregateWindows<K, V, V>(handle, aggregation, options)
}
