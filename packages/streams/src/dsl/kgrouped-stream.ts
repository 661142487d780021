import type { SessionWindows } from '../core/index.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { AggregateOptions, MaterializedOptions } from './materialized.ts'
import { type Aggregator, aggregate, type KeyValueHandle } from './operators/aggregate.ts'
import { cogroup } from './operators/cogroup.ts'
import { count } from './operators/count.ts'
import { reduce } from './operators/reduce.ts'
import { type FixedWindows, windowedBy } from './operators/windowed-by.ts'
import type { SessionWindowedKStream } from './session-windowed-kstream.ts'
import type { GroupedStreamHandle } from './stream-handle.ts'
import type { TimeWindowedKStream } from './time-windowed-kstream.ts'

/**
 * Records of a stream by key, to be aggregated.
 *
 * @see Kafka Streams `KGroupedStream`
 */
export class KGroupedStream<K, V> {
  readonly #handle: GroupedStreamHandle<K, V>
  readonly #facades: Facades

  constructor(handle: GroupedStreamHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /** What operators of the DSL take when this grouping is their second input. */
  static handleOf<K, V>(grouped: KGroupedStream<K, V>): GroupedStreamHandle<K, V> {
    return grouped.#handle
  }

  /** Counts the records of each key. Default value serde: `int64()`. */
  count(options: MaterializedOptions<K, number> = {}): KTable<K, number, KeyValueHandle<K, number>> {
    return this.#facades.table(count(this.#handle, options))
  }

  /** Combines the values of each key into one of the same type; the first is taken as it is. */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: MaterializedOptions<K, V> = {}
  ): KTable<K, V, KeyValueHandle<K, V>> {
    return this.#facades.table(reduce(this.#handle, reducer, options))
  }

  /** Combines the values of each key into an aggregate, whose serde is `value`. */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>
  ): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(aggregate(this.#handle, initializer, aggregator, options))
  }

  /** Divides each group into sessions, which end when a key is silent: `session('5m')`. */
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  /** Divides each group into windows of event time: `tumbling('5m')`, `hopping('5m', { advance: '1m' })`, `sliding('5m')`. */
  windowedBy(windows: FixedWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: FixedWindows | SessionWindows): unknown {
    return windows?.kind === 'session'
      ? this.#facades.sessionWindowed(windowedBy(this.#handle, windows))
      : this.#facades.timeWindowed(windowedBy(this.#handle, windows))
  }

  /** Begins an aggregation of several grouped streams into one table; the type of the aggregate is the aggregator's. */
  cogroup<A>(aggregator: Aggregator<K, V, A>): CogroupedKStream<K, A> {
    return this.#facades.cogrouped(cogroup(this.#handle, aggregator))
  }
}
