import type { Windowed } from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { checkMaterialized, type WindowAggregateOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'
import type { Aggregator } from './aggregate.ts'
import { aggregateWindows, type SessionHandle, type SessionWindowedStreamHandle } from './windowed-aggregate.ts'

/** Joins the aggregates of two sessions of a key into one. */
export interface Merger<K, A> {
  (key: K, one: A, other: A): A
}

/** Documented at `SessionWindowedKStream.aggregate`. */
export function sessionAggregate<K, V, A>(
  handle: SessionWindowedStreamHandle<K, V>,
  initializer: () => A,
  aggregator: Aggregator<K, V, A>,
  merger: Merger<K, A>,
  options: WindowAggregateOptions<K, A>
): TableHandle<Windowed<K>, A, SessionHandle<K, A>> {
  checkMaterialized('aggregate()', options, true)
  checkFunction('aggregate', 'initializer', initializer)
  checkFunction('aggregate', 'aggregator', aggregator)
  checkFunction('aggregate', 'merger', merger)
  return aggregateWindows(
    handle,
    {
      operator: 'aggregate',
      prefix: 'KSTREAM-AGGREGATE-',
      functions: { initializer, aggregator, merger },
      valueSerde: undefined
    },
    options
  )
}
