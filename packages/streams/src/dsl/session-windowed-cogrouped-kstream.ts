import type { SessionWindows, Windowed } from '../core/index.ts'
import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { WindowAggregateOptions } from './materialized.ts'
import { sessionCogroupedAggregate, type WindowedCogroupedHandle } from './operators/cogroup.ts'
import type { Merger } from './operators/session-aggregate.ts'
import type { SessionHandle } from './operators/windowed-aggregate.ts'

/**
 * Records of several streams by key and session, to be aggregated together.
 *
 * @see Kafka Streams `SessionWindowedCogroupedKStream`
 */
export class SessionWindowedCogroupedKStream<K, A> {
  readonly #handle: WindowedCogroupedHandle<K, A, SessionWindows>
  readonly #facades: Facades

  constructor(handle: WindowedCogroupedHandle<K, A, SessionWindows>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * Combines the values of each key and session, from all the streams, into one aggregate and emits it on every update.
   * Otherwise as `aggregate` of sessions of one stream.
   *
   * @param initializer - Makes the aggregate with which a session begins.
   * @param merger - Joins the aggregates of two sessions into one.
   * @param options - `value` is the serde of the aggregate; `retention` how long sessions can be read.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`;
   *   `TOPOLOGY_DUPLICATE_NAME` when two of the streams need a repartition topic and neither was named in its `groupBy`
   * @see Kafka Streams `SessionWindowedCogroupedKStream#aggregate`
   * @example
   * ```ts
   * const clicks = builder.stream('clicks', { key: string(), value: string() }).groupByKey()
   * const searches = builder.stream('searches', { key: string(), value: string() }).groupByKey()
   * clicks
   *   .cogroup<string[]>((_user, page, done) => [...done, page])
   *   .cogroup(searches, (_user, words, done) => [...done, `?${words}`])
   *   .windowedBy(session('5m'))
   *   .aggregate(() => [], (_user, one, other) => [...one, ...other], { value: json<string[]>() })
   *   .toStream()
   *   .to('visits')
   * ```
   * ```text
   * clicks alice:/home@0 → visits alice[0,0]:["/home"]@0
   * searches alice:tea@2m → visits alice[0,0]:null@0 alice[0,2m]:["/home","?tea"]@2m
   * searches alice:milk@20m → visits alice[20m,20m]:["?milk"]@20m
   * ```
   */
  aggregate(
    initializer: () => A,
    merger: Merger<K, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, SessionHandle<K, A>> {
    return this.#facades.table(sessionCogroupedAggregate(this.#handle, initializer, merger, options))
  }
}
