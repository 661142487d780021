import type { Windowed } from '../core/index.ts'
import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { WindowAggregateOptions } from './materialized.ts'
import { type WindowedCogroupedHandle, windowedCogroupedAggregate } from './operators/cogroup.ts'
import type { WindowHandle } from './operators/windowed-aggregate.ts'
import type { FixedWindows } from './operators/windowed-by.ts'

/**
 * Records of several streams by key and window, to be aggregated together.
 *
 * @see Kafka Streams `TimeWindowedCogroupedKStream`
 */
export class TimeWindowedCogroupedKStream<K, A> {
  readonly #handle: WindowedCogroupedHandle<K, A, FixedWindows>
  readonly #facades: Facades

  constructor(handle: WindowedCogroupedHandle<K, A, FixedWindows>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /** Combines the values of each key and window into an aggregate, whose serde is `value`. */
  aggregate(initializer: () => A, options: WindowAggregateOptions<K, A>): KTable<Windowed<K>, A, WindowHandle<K, A>> {
    return this.#facades.table(windowedCogroupedAggregate(this.#handle, initializer, options))
  }
}
