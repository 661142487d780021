import { int64, type Windowed } from '../../core/index.ts'
import { checkMaterialized, type WindowMaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import { useUpNumber } from './count.ts'
import type { AnyWindows } from '../windowed/window-kind.ts'
import { aggregateWindows, type HandleOfWindows, type WindowedStreamHandle } from './windowed-aggregate.ts'

/** Documented at `TimeWindowedKStream.count` and `SessionWindowedKStream.count`. */
export function windowedCount<K, V, W extends AnyWindows>(
  handle: WindowedStreamHandle<K, V, W>,
  options: WindowMaterializedOptions<K, number> = {}
): TableHandle<Windowed<K>, number, HandleOfWindows<W, K, number>> {
  checkMaterialized('count()', options, true)
  // Sliding windows came later, and without the old habit.
  if (handle.windows.kind !== 'sliding') useUpNumber(handle.grouped, options)
  const functions = {
    initializer: () => 0,
    aggregator: (_key: K, _value: V, count: number) => count + 1,
    merger: (_key: K, one: number, other: number) => one + other
  }
  const aggregation = { operator: 'count', prefix: 'KSTREAM-AGGREGATE-', functions, valueSerde: int64() }
  return aggregateWindows(handle, aggregation, options)
}
