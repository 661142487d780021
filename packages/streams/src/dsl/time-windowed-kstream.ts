import type { Windowed } from '../core/index.ts'
import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { WindowAggregateOptions, WindowMaterializedOptions } from './materialized.ts'
import type { Aggregator } from './operators/aggregate.ts'
import { emitStrategy } from './operators/emit-strategy.ts'
import { type TimeWindowedStreamHandle, type WindowHandle, windowedAggregate } from './operators/windowed-aggregate.ts'
import { windowedCount } from './operators/windowed-count.ts'
import { windowedReduce } from './operators/windowed-reduce.ts'
import type { EmitStrategy } from './windowed/emit-strategy.ts'

/**
 * Records of a stream by key and window, to be aggregated. Each result is keyed by the key and its window.
 *
 * @see Kafka Streams `TimeWindowedKStream`
 */
export class TimeWindowedKStream<K, V> {
  readonly #handle: TimeWindowedStreamHandle<K, V>
  readonly #facades: Facades

  constructor(handle: TimeWindowedStreamHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * Counts the records of each key and window and emits the count, on every update or when the window closes.
   *
   * Records with a null key are dropped; those with a null value count, except in sliding windows. A record enters
   * those of its windows that are still open; for each that is closed it is counted as `late`. A result's timestamp is
   * the highest of its window's records. Makes a window store and its changelog.
   *
   * @param options - `value` is the serde of the counts; default `int64()`. `retention` is how long windows can be
   *   read.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `TimeWindowedKStream#count`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(tumbling('5m', { grace: '1m' }))
   *   .count()
   *   .toStream()
   *   .to('clicks-5m')
   * ```
   * ```text
   * clicks alice:/home@0 → clicks-5m alice[0,5m):1@0
   * clicks alice:/cart@5m → clicks-5m alice[5m,10m):1@5m
   * clicks alice:/late@4m → clicks-5m alice[0,5m):2@4m
   * clicks bob:/home@6m → clicks-5m bob[5m,10m):1@6m
   * clicks alice:/later@4m →
   * ```
   */
  count(options: WindowMaterializedOptions<K, number> = {}): KTable<Windowed<K>, number, WindowHandle<K, number>> {
    return this.#facades.table(windowedCount(this.#handle, options))
  }

  /**
   * Combines the values of each key and window into one of the same type and emits it, on every update or when the
   * window closes. Records with a null key are dropped, for sliding windows also those with a null value. Otherwise as
   * `aggregate`.
   *
   * @param reducer - Called as `reducer(aggregate, value)` from a window's second value on; the first is taken as it
   *   is. Returns the new value, or null to delete it.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `TimeWindowedKStream#reduce`
   * @example
   * ```ts
   * builder
   *   .stream('readings', { key: string(), value: json<number>() })
   *   .groupByKey()
   *   .windowedBy(tumbling('1h'))
   *   .reduce((highest, value) => Math.max(highest, value))
   *   .toStream()
   *   .to('highest-1h')
   * ```
   * ```text
   * readings s1:20@0 → highest-1h s1[0,1h):20@0
   * readings s1:24@30m → highest-1h s1[0,1h):24@30m
   * readings s1:18@60m → highest-1h s1[1h,2h):18@1h
   * ```
   */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: WindowMaterializedOptions<K, V> = {}
  ): KTable<Windowed<K>, V, WindowHandle<K, V>> {
    return this.#facades.table(windowedReduce(this.#handle, reducer, options))
  }

  /**
   * Combines the values of each key and window into an aggregate and emits it, on every update or when the window
   * closes.
   *
   * Records with a null key are dropped, for sliding windows also those with a null value; elsewhere the aggregator
   * gets null values. A record enters those of its windows that are still open; for each that is closed (its end +
   * grace <= stream time of this operator, for sliding windows <) it is counted as `late`. A result's timestamp is the
   * highest of its window's records. Makes a window store and its changelog.
   *
   * @param initializer - Makes the aggregate of a window's first record.
   * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete it.
   * @param options - `value` is the serde of the aggregate; `retention` how long windows can be read, at least size +
   *   grace (sliding: twice the difference + grace).
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
   * @see Kafka Streams `TimeWindowedKStream#aggregate`
   * @example
   * ```ts
   * builder
   *   .stream('loads', { key: string(), value: json<number>() })
   *   .groupByKey()
   *   .windowedBy(hopping('10m', { advance: '5m' }))
   *   .aggregate(
   *     () => ({ sum: 0, count: 0 }),
   *     (_page, ms, { sum, count }) => ({ sum: sum + ms, count: count + 1 }),
   *     { value: json<{ sum: number; count: number }>() }
   *   )
   *   .mapValues(({ sum, count }) => sum / count)
   *   .toStream()
   *   .to('average', { value: json<number>() })
   * ```
   * ```text
   * loads /home:200@6m → average /home[0,10m):200@6m /home[5m,15m):200@6m
   * loads /home:100@11m → average /home[5m,15m):150@11m /home[10m,20m):100@11m
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, WindowHandle<K, A>> {
    return this.#facades.table(windowedAggregate(this.#handle, initializer, aggregator, options))
  }

  /**
   * The same windows, whose aggregations emit on every update (`onWindowUpdate`, the default) or once, when a window is
   * closed (`onWindowClose`): stream time has passed its end and grace. Returns a new object.
   *
   * On close, the results of all keys come in order of (window start, key), with their own timestamp and the headers of
   * the record that closed them. A window that stream time leaves behind by more than the store's retention in one jump
   * is never emitted.
   *
   * @throws StreamsError `TOPOLOGY_WINDOW_INVALID` for unlimited windows, which never close
   * @see Kafka Streams `TimeWindowedKStream#emitStrategy` (KIP-825)
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(tumbling('5m', { grace: '1m' }))
   *   .emitStrategy('onWindowClose')
   *   .count()
   *   .toStream()
   *   .to('clicks-5m')
   * ```
   * ```text
   * clicks alice:/home@0 →
   * clicks alice:/cart@4m →
   * clicks bob:/home@5m →
   * clicks bob:/cart@6m → clicks-5m alice[0,5m):2@4m
   * ```
   */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return this.#facades.timeWindowed(emitStrategy(this.#handle, strategy))
  }
}
