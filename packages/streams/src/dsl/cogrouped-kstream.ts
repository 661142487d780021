import type { SessionWindows } from '../core/index.ts'
import type { Facades } from './facades.ts'
import { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { AggregateOptions } from './materialized.ts'
import type { Aggregator, KeyValueHandle } from './operators/aggregate.ts'
import { addCogroup, type CogroupedHandle, cogroupedAggregate, cogroupedWindowedBy } from './operators/cogroup.ts'
import type { FixedWindows } from './operators/windowed-by.ts'
import type { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts'
import type { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts'

/**
 * Records of several streams by key, to be aggregated together.
 *
 * @see Kafka Streams `CogroupedKStream`
 */
export class CogroupedKStream<K, A> {
  readonly #handle: CogroupedHandle<K, A>
  readonly #facades: Facades

  constructor(handle: CogroupedHandle<K, A>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /** These streams and another, which has an aggregator of its own. */
  cogroup<V>(grouped: KGroupedStream<K, V>, aggregator: Aggregator<K, V, A>): CogroupedKStream<K, A> {
    return this.#facades.cogrouped(addCogroup(this.#handle, KGroupedStream.handleOf(grouped), aggregator))
  }

  /** Combines the values of each key into an aggregate, whose serde is `value`. */
  aggregate(initializer: () => A, options: AggregateOptions<K, A>): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(cogroupedAggregate(this.#handle, initializer, options))
  }

  /** Divides each group into sessions: `session('5m')`. */
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  /** Divides each group into windows of event time: `tumbling('5m')`, `sliding('5m')`. */
  windowedBy(windows: FixedWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: FixedWindows | SessionWindows): unknown {
    return windows?.kind === 'session'
      ? this.#facades.sessionWindowedCogrouped(cogroupedWindowedBy(this.#handle, windows))
      : this.#facades.timeWindowedCogrouped(cogroupedWindowedBy(this.#handle, windows))
  }
}
