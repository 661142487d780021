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

  /** Combines the values of each key and session into an aggregate, whose serde is `value`; `merger` joins two sessions. */
  aggregate(
    initializer: () => A,
    merger: Merger<K, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, SessionHandle<K, A>> {
    return this.#facades.table(sessionCogroupedAggregate(this.#handle, initializer, merger, options))
  }
}
