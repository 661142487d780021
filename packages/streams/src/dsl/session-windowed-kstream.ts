import type { Windowed } from '../core/index.ts'
import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { WindowAggregateOptions, WindowMaterializedOptions } from './materialized.ts'
import type { Aggregator } from './operators/aggregate.ts'
import { emitStrategy } from './operators/emit-strategy.ts'
import { type Merger, sessionAggregate } from './operators/session-aggregate.ts'
import type { SessionHandle, SessionWindowedStreamHandle } from './operators/windowed-aggregate.ts'
import { windowedCount } from './operators/windowed-count.ts'
import { windowedReduce } from './operators/windowed-reduce.ts'
import type { EmitStrategy } from './windowed/emit-strategy.ts'

/**
 * Records of a stream by key and session, to be aggregated. Each result is keyed by the key and the bounds of its session.
 *
 * @see Kafka Streams `SessionWindowedKStream`
 */
export class SessionWindowedKStream<K, V> {
  readonly #handle: SessionWindowedStreamHandle<K, V>
  readonly #facades: Facades

  constructor(handle: SessionWindowedStreamHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * Counts the records of each key and session and emits the count, on every update or when the session closes. Records
   * with a null key are dropped; those with a null value count. Sessions grow and join as in `aggregate`.
   *
   * @param options - `value` is the serde of the counts; default `int64()`. `retention` is how long sessions can be
   *   read.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `SessionWindowedKStream#count`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(session('5m'))
   *   .count()
   *   .toStream()
   *   .to('visits')
   * ```
   * ```text
   * clicks alice:/home@0 → visits alice[0,0]:1@0
   * clicks alice:/cart@3m → visits alice[0,0]:null@0 alice[0,3m]:2@3m
   * ```
   */
  count(options: WindowMaterializedOptions<K, number> = {}): KTable<Windowed<K>, number, SessionHandle<K, number>> {
    return this.#facades.table(windowedCount(this.#handle, options))
  }

  /**
   * Combines the values of each key and session into one of the same type and emits it, on every update or when the
   * session closes. Records with a null key are dropped. Sessions grow and join as in `aggregate`; they are joined with
   * the reducer, too.
   *
   * @param reducer - Called as `reducer(aggregate, value)` from a session's second value on; the first is taken as it
   *   is. Returns the new value, or null to delete it.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `SessionWindowedKStream#reduce`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(session('5m'))
   *   .reduce((path, page) => `${path} ${page}`)
   *   .toStream()
   *   .to('paths')
   * ```
   * ```text
   * clicks alice:/home@0 → paths alice[0,0]:/home@0
   * clicks alice:/cart@8m → paths alice[8m,8m]:/cart@8m
   * clicks alice:/tea@4m → paths alice[8m,8m]:null@8m alice[4m,8m]:"/cart /tea"@8m
   * ```
   */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: WindowMaterializedOptions<K, V> = {}
  ): KTable<Windowed<K>, V, SessionHandle<K, V>> {
    return this.#facades.table(windowedReduce(this.#handle, reducer, options))
  }

  /**
   * Combines the values of each key and session into an aggregate and emits it, on every update or when the session
   * closes.
   *
   * Records with a null key are dropped; the aggregator gets null values. A record that falls into sessions or comes
   * within the gap of some joins them: each of them is deleted, with its end as timestamp, before the new one is
   * emitted. A record is dropped as `late` if its session, after joining, ended before stream time - gap - grace. A
   * result's timestamp is the end of its session; on update, results carry no headers. Makes a session store and its
   * changelog.
   *
   * @param initializer - Makes the aggregate with which a session begins.
   * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete it.
   * @param merger - Called as `merger(key, aggregate, other)` for each session that is joined, by ascending end,
   *   beginning with the initializer's; then the aggregator is called.
   * @param options - `value` is the serde of the aggregate; `retention` how long sessions can be read, at least gap +
   *   grace.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `SessionWindowedKStream#aggregate`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(session('5m'))
   *   .aggregate(
   *     (): string[] => [],
   *     (_user, page, pages) => [...pages, page],
   *     (_user, one, other) => [...one, ...other],
   *     { value: json<string[]>() }
   *   )
   *   .toStream()
   *   .to('paths')
   * ```
   * ```text
   * clicks alice:/home@0 → paths alice[0,0]:["/home"]@0
   * clicks alice:/cart@8m → paths alice[8m,8m]:["/cart"]@8m
   * clicks alice:/tea@4m → paths alice[8m,8m]:null@8m alice[4m,8m]:["/cart","/tea"]@8m
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    merger: Merger<K, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, SessionHandle<K, A>> {
    return this.#facades.table(sessionAggregate(this.#handle, initializer, aggregator, merger, options))
  }

  /**
   * The same sessions, whose aggregations emit on every update (`onWindowUpdate`, the default) or once, when a session
   * is closed (`onWindowClose`): stream time has passed its end, the gap and the grace. Returns a new object.
   *
   * On close, the results of all keys come in order of (end, start, key), with the session's end as timestamp and the
   * headers of the record that closed them.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `SessionWindowedKStream#emitStrategy` (KIP-825)
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(session('5m'))
   *   .emitStrategy('onWindowClose')
   *   .count()
   *   .toStream()
   *   .to('visits')
   * ```
   * ```text
   * clicks alice:/home@0 →
   * clicks alice:/cart@3m →
   * clicks bob:/home@10m → visits alice[0,3m]:2@3m
   * ```
   */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return this.#facades.sessionWindowed(emitStrategy(this.#handle, strategy))
  }
}
