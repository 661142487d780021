import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { MaterializedOptions } from './materialized.ts'
import { type Aggregator, aggregate, type KeyValueHandle } from './operators/aggregate.ts'
import { count } from './operators/count.ts'
import { reduce } from './operators/reduce.ts'
import type { GroupedStreamHandle } from './stream-handle.ts'

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

  count(options: MaterializedOptions<K, number> = {}): KTable<K, number, KeyValueHandle<K, number>> {
    return this.#facades.table(count(this.#handle, options))
  }

  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: MaterializedOptions<K, V> = {}
  ): KTable<K, V, KeyValueHandle<K, V>> {
    return this.#facades.table(reduce(this.#handle, reducer, options))
  }

  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    options: MaterializedOptions<K, A>
  ): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(aggregate(this.#handle, initializer, aggregator, options))
  }
}
