import type { Windowed } from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { checkMaterialized, type WindowMaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import type { AnyWindows } from '../windowed/window-kind.ts'
import { aggregateWindows, type HandleOfWindows, type WindowedStreamHandle } from './windowed-aggregate.ts'

/** Documented at `TimeWindowedKStream.reduce` and `SessionWindowedKStream.reduce`. */
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
