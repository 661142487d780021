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

  /**
   * These streams and another, which has an aggregator of its own. One that is there already gets the new aggregator
   * and keeps its place. Returns a new object.
   *
   * @param grouped - From the same builder, with keys of the same type.
   * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete the row.
   * @see Kafka Streams `CogroupedKStream#cogroup`
   * @example
   * ```ts
   * const views = builder.stream('views', { key: string(), value: string() }).groupByKey()
   * const buys = builder.stream('buys', { key: string(), value: string() }).groupByKey()
   * views
   *   .cogroup<number>((_user, _page, score) => score + 1)
   *   .cogroup(buys, (_user, _item, score) => score + 10)
   *   .aggregate(() => 0, { value: json<number>() })
   *   .toStream()
   *   .to('scores')
   * ```
   * ```text
   * views alice:/home@0 → scores alice:1@0
   * buys alice:tea@5s → scores alice:11@5s
   * ```
   */
  cogroup<V>(grouped: KGroupedStream<K, V>, aggregator: Aggregator<K, V, A>): CogroupedKStream<K, A> {
    return this.#facades.cogrouped(addCogroup(this.#handle, KGroupedStream.handleOf(grouped, 'cogroup()'), aggregator))
  }

  /**
   * Combines the values of each key, from all the streams, into one aggregate and emits it on every update. Records are
   * dropped and results timed as in `aggregate` of a grouped stream. Makes one store and its changelog, whatever the
   * number of streams.
   *
   * @param initializer - Makes the aggregate of a key's first value, whichever stream that is from.
   * @param options - `value` is the serde of the aggregate; `store` names the store and its changelog.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; `TOPOLOGY_DUPLICATE_NAME` when two of
   *   the streams need a repartition topic and neither was named in its `groupBy`
   * @see Kafka Streams `CogroupedKStream#aggregate`
   * @example
   * ```ts
   * const logins = builder.stream('logins', { key: string(), value: string() }).groupByKey()
   * const logouts = builder.stream('logouts', { key: string(), value: string() }).groupByKey()
   * logins
   *   .cogroup<boolean>(() => true)
   *   .cogroup(logouts, () => false)
   *   .aggregate(() => false, { value: json<boolean>(), store: 'online' })
   *   .toStream()
   *   .to('online')
   * ```
   * ```text
   * logins alice:phone@0 → online alice:true@0
   * logouts alice:phone@5s → online alice:false@5s
   * ```
   */
  aggregate(initializer: () => A, options: AggregateOptions<K, A>): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(cogroupedAggregate(this.#handle, initializer, options))
  }

  /**
   * Divides each group into sessions, which end when a key is silent in all the streams: `session('5m')`.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `CogroupedKStream#windowedBy(SessionWindows)`
   * @example
   * ```ts
   * const clicks = builder.stream('clicks', { key: string(), value: string() }).groupByKey()
   * const buys = builder.stream('buys', { key: string(), value: string() }).groupByKey()
   * clicks
   *   .cogroup<number>((_user, _page, score) => score + 1)
   *   .cogroup(buys, (_user, _item, score) => score + 10)
   *   .windowedBy(session('5m'))
   *   .aggregate(() => 0, (_user, one, other) => one + other, { value: json<number>() })
   *   .toStream()
   *   .to('scores')
   * ```
   * ```text
   * clicks alice:/home@0 → scores alice[0,0]:1@0
   * buys alice:tea@3m → scores alice[0,0]:null@0 alice[0,3m]:11@3m
   * ```
   */
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  /**
   * Divides each group into windows of event time: `tumbling('5m')`, `hopping('5m', { advance: '1m' })`,
   * `sliding('5m')`, `unlimited()`.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `CogroupedKStream#windowedBy(Windows)`, `#windowedBy(SlidingWindows)`
   * @example
   * ```ts
   * const clicks = builder.stream('clicks', { key: string(), value: string() }).groupByKey()
   * const buys = builder.stream('buys', { key: string(), value: string() }).groupByKey()
   * clicks
   *   .cogroup<number>((_user, _page, score) => score + 1)
   *   .cogroup(buys, (_user, _item, score) => score + 10)
   *   .windowedBy(tumbling('5m'))
   *   .aggregate(() => 0, { value: json<number>() })
   *   .toStream()
   *   .to('scores-5m')
   * ```
   * ```text
   * clicks alice:/home@0 → scores-5m alice[0,5m):1@0
   * buys alice:tea@3m → scores-5m alice[0,5m):11@3m
   * clicks alice:/home@6m → scores-5m alice[5m,10m):1@6m
   * ```
   */
  windowedBy(windows: FixedWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: FixedWindows | SessionWindows): unknown {
    return windows?.kind === 'session'
      ? this.#facades.sessionWindowedCogrouped(cogroupedWindowedBy(this.#handle, windows))
      : this.#facades.timeWindowedCogrouped(cogroupedWindowedBy(this.#handle, windows))
  }
}
