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

/**
 * Combines the values of each key and session into an aggregate and emits it, on every update or when the session closes.
 *
 * Records with a null key are dropped; the aggregator gets null values. A record that falls into sessions or comes within
 * the gap of some joins them: each of them is deleted, with its end as timestamp, before the new one is emitted. A record
 * is dropped as `late` if its session, after joining, ended before stream time - gap - grace. A result's timestamp is the end
 * of its session; on update, results carry no headers.
 *
 * @param initializer - Makes the aggregate with which a session begins.
 * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete it. Synchronous.
 * @param merger - Called as `merger(key, aggregate, other)` for each session that is joined, by ascending end, beginning
 *   with the initializer's; then the aggregator is called. Synchronous.
 * @param options - `value` is the serde of the aggregate; `retention` how long sessions can be read, at least gap + grace.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `SessionWindowedKStream#aggregate`
 */
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
