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

  /** Counts the records of each key and window. Default value serde: `int64()`. */
  count(options: WindowMaterializedOptions<K, number> = {}): KTable<Windowed<K>, number, WindowHandle<K, number>> {
    return this.#facades.table(windowedCount(this.#handle, options))
  }

  /** Combines the values of each key and window into one of the same type; the first is taken as it is. */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: WindowMaterializedOptions<K, V> = {}
  ): KTable<Windowed<K>, V, WindowHandle<K, V>> {
    return this.#facades.table(windowedReduce(this.#handle, reducer, options))
  }

  /** Combines the values of each key and window into an aggregate, whose serde is `value`. */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, WindowHandle<K, A>> {
    return this.#facades.table(windowedAggregate(this.#handle, initializer, aggregator, options))
  }

  /** The same windows, whose aggregations emit on every update (the default) or once, when a window is closed. */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return this.#facades.timeWindowed(emitStrategy(this.#handle, strategy))
  }
}
