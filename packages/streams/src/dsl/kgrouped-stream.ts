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
import { wrongFacade } from './wrong-facade.ts'

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
  static handleOf<K, V>(grouped: KGroupedStream<K, V>, where: string): GroupedStreamHandle<K, V> {
    if (grouped instanceof KGroupedStream) return grouped.#handle
    throw wrongFacade(where, 'a grouped stream, made by groupBy() or groupByKey()', grouped)
  }

  /**
   * Counts the records of each key and emits the count on every update. Records with a null key or null value are
   * dropped and counted as `null-key-or-value`. A row's timestamp is the highest seen for its key. Makes a store and
   * its changelog.
   *
   * @param options - `value` is the serde of the counts; default `int64()`.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedStream#count`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .count({ store: 'clicks-per-user' })
   *   .toStream()
   *   .to('clicks-per-user')
   * ```
   * ```text
   * clicks alice:/home@5s → clicks-per-user alice:1@5s
   * clicks alice:/cart@3s → clicks-per-user alice:2@5s
   * clicks alice:null@9s →
   * ```
   */
  count(options: MaterializedOptions<K, number> = {}): KTable<K, number, KeyValueHandle<K, number>> {
    return this.#facades.table(count(this.#handle, options))
  }

  /**
   * Combines the values of each key into one of the same type and emits it on every update. Records with a null key or
   * null value are dropped and counted as `null-key-or-value`. A row's timestamp is the highest seen for its key since
   * the value was last null. Makes a store and its changelog.
   *
   * @param reducer - Called as `reducer(aggregate, value)` from a key's second value on; the first is taken as it is.
   *   Returns the new value, or null to delete the row. It must not change its arguments.
   * @param options - `store` names the store and its changelog.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedStream#reduce`
   * @example
   * ```ts
   * builder
   *   .stream('readings', { key: string(), value: json<number>() })
   *   .groupByKey()
   *   .reduce((highest, value) => Math.max(highest, value))
   *   .toStream()
   *   .to('highest')
   * ```
   * ```text
   * readings s1:20@0 → highest s1:20@0
   * readings s1:24@5s → highest s1:24@5s
   * readings s1:22@9s → highest s1:24@9s
   * ```
   */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: MaterializedOptions<K, V> = {}
  ): KTable<K, V, KeyValueHandle<K, V>> {
    return this.#facades.table(reduce(this.#handle, reducer, options))
  }

  /**
   * Combines the values of each key into an aggregate of another type and emits it on every update. Records with a null
   * key or null value are dropped and counted as `null-key-or-value`. A row's timestamp is the highest seen for its key
   * since the aggregate was last null. Makes a store and its changelog.
   *
   * @param initializer - Makes the aggregate of a key's first value, and again after it became null.
   * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete the row. It must
   *   return a new object rather than change the one it got.
   * @param options - `value` is the serde of the aggregate; `store` names the store and its changelog.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedStream#aggregate`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .aggregate(
   *     (): string[] => [],
   *     (_user, page, pages) => [...pages, page],
   *     { value: json<string[]>() }
   *   )
   *   .toStream()
   *   .to('paths')
   * ```
   * ```text
   * clicks alice:/home@0 → paths alice:["/home"]@0
   * clicks alice:/cart@5s → paths alice:["/home","/cart"]@5s
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>
  ): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(aggregate(this.#handle, initializer, aggregator, options))
  }

  /**
   * Divides each group into sessions, which end when a key is silent: `session('5m')`. The results are keyed by the key
   * and the bounds of its session, from its first record to its last.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `KGroupedStream#windowedBy(SessionWindows)`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(session('5m'))
   *   .count({ store: 'visits' })
   *   .toStream()
   *   .to('visits')
   * ```
   * ```text
   * clicks alice:/home@0 → visits alice[0,0]:1@0
   * clicks alice:/cart@10m → visits alice[10m,10m]:1@10m
   * clicks alice:/tea@12m → visits alice[10m,10m]:null@10m alice[10m,12m]:2@12m
   * ```
   */
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  /**
   * Divides each group into windows of event time: `tumbling('5m')`, `hopping('5m', { advance: '1m' })`,
   * `sliding('5m')`, `unlimited()`. The results are keyed by the key and its window.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `KGroupedStream#windowedBy(Windows)`, `#windowedBy(SlidingWindows)`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(tumbling('5m'))
   *   .count()
   *   .toStream()
   *   .to('clicks-5m')
   * ```
   * ```text
   * clicks alice:/home@0 → clicks-5m alice[0,5m):1@0
   * clicks alice:/cart@4m → clicks-5m alice[0,5m):2@4m
   * clicks alice:/home@6m → clicks-5m alice[5m,10m):1@6m
   * ```
   */
  windowedBy(windows: FixedWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: FixedWindows | SessionWindows): unknown {
    return windows?.kind === 'session'
      ? this.#facades.sessionWindowed(windowedBy(this.#handle, windows))
      : this.#facades.timeWindowed(windowedBy(this.#handle, windows))
  }

  /**
   * Begins an aggregation of several grouped streams, which need keys of one type, into one table. The type of the
   * aggregate is the aggregator's.
   *
   * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete the row.
   * @see Kafka Streams `KGroupedStream#cogroup`
   * @example
   * ```ts
   * interface Account {
   *   readonly paid: number
   *   readonly owed: number
   * }
   * const payments = builder.stream('payments', { key: string(), value: json<number>() }).groupByKey()
   * const invoices = builder.stream('invoices', { key: string(), value: json<number>() }).groupByKey()
   * payments
   *   .cogroup<Account>((_customer, amount, { paid, owed }) => ({ paid: paid + amount, owed }))
   *   .cogroup(invoices, (_customer, amount, { paid, owed }) => ({ paid, owed: owed + amount }))
   *   .aggregate(() => ({ paid: 0, owed: 0 }), { value: json<Account>() })
   *   .toStream()
   *   .to('accounts')
   * ```
   * ```text
   * invoices alice:100@0 → accounts alice:{"paid":0,"owed":100}@0
   * payments alice:30@5s → accounts alice:{"paid":30,"owed":100}@5s
   * ```
   */
  cogroup<A>(aggregator: Aggregator<K, V, A>): CogroupedKStream<K, A> {
    return this.#facades.cogrouped(cogroup(this.#handle, aggregator))
  }
}
