import type { Windowed } from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { checkMaterialized, type WindowMaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import type { AnyWindows } from '../windowed/window-kind.ts'
import { aggregateWindows, type HandleOfWindows, type WindowedStreamHandle } from './windowed-aggregate.ts'

/**
 * Combines the values of each key and window into one of the same type and emits it, on every update or when the window
 * closes.
 *
 * Records with a null key are dropped, for sliding windows also those with a null value. Late records as in `aggregate`.
 *
 * @param reducer - Called as `reducer(aggregate, value)` from a window's second value on; the first is taken as it is.
 *   Sessions are joined with it too. Returns the new value, or null to delete it. Synchronous.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `TimeWindowedKStream#reduce`, `SessionWindowedKStream#reduce`
 */
export function windowedReduce<K, V, W extends AnyWindows>(
  handle: WindowedStreamHandle<K, V, W>,
  reducer: (aggregate: V, value: V) => V | null,
  options: WindowMaterializedOptions<K, V> = {}
): TableHandle<Windowed<K>, V, HandleOfWindows<W, K, V>> {
  checkMaterialized('reduce()', options, true)
  checkFunction('reduce', 'reducer', reducer)
  const combine = (_key: K, aggregate: V | null, value: V) => (aggregate === null ? value : reducer(aggregate, value))
  const functions = {
    initializer: () => null,
    aggregator: (key: K, value: V, aggregate: V | null) => combine(key, aggregate, value),
    merger: combine
  }
  const { value } = handle.grouped.upstream
  return aggregateWindows<K, V, V, W>(
    handle,
    { operator: 'reduce', prefix: 'KSTREAM-REDUCE-', functions, valueSerde: value },
    options
  )
}
