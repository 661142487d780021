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

  /** Counts the records of each key and session. Default value serde: `int64()`. */
  count(options: WindowMaterializedOptions<K, number> = {}): KTable<Windowed<K>, number, SessionHandle<K, number>> {
    return this.#facades.table(windowedCount(this.#handle, options))
  }

  /** Combines the values of each key and session into one of the same type; the first is taken as it is. */
  reduce(
    reducer: (aggregate: V, value: V) => V | null,
    options: WindowMaterializedOptions<K, V> = {}
  ): KTable<Windowed<K>, V, SessionHandle<K, V>> {
    return this.#facades.table(windowedReduce(this.#handle, reducer, options))
  }

  /** Combines the values of each key and session into an aggregate, whose serde is `value`; `merger` joins two sessions. */
  aggregate<A>(
    initializer: () => A,
    aggregator: Aggregator<K, V, A>,
    merger: Merger<K, A>,
    options: WindowAggregateOptions<K, A>
  ): KTable<Windowed<K>, A, SessionHandle<K, A>> {
    return this.#facades.table(sessionAggregate(this.#handle, initializer, aggregator, merger, options))
  }

  /** The same sessions, whose aggregations emit on every update (the default) or once, when a session is closed. */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return this.#facades.sessionWindowed(emitStrategy(this.#handle, strategy))
  }
}
