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

  /**
   * Combines the values of each key and window, from all the streams, into one aggregate and emits it on every update.
   * What is late is judged by the stream time of each stream apart; otherwise as `aggregate` of a windowed stream.
   *
   * @param initializer - Makes the aggregate of a window's first record, whichever stream that is from.
   * @param options - `value` is the serde of the aggregate; `retention` how long windows can be read.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`;
   *   `TOPOLOGY_DUPLICATE_NAME` when two of the streams need a repartition topic and neither was named in its `groupBy`
   * @see Kafka Streams `TimeWindowedCogroupedKStream#aggregate`
   * @example
   * ```ts
   * const cold = builder.stream('cold', { key: string(), value: json<number>() }).groupByKey()
   * const warm = builder.stream('warm', { key: string(), value: json<number>() }).groupByKey()
   * cold
   *   .cogroup<number[]>((_house, litres, [used = 0, heated = 0]) => [used + litres, heated])
   *   .cogroup(warm, (_house, litres, [used = 0, heated = 0]) => [used + litres, heated + litres])
   *   .windowedBy(tumbling('1h', { grace: '5m' }))
   *   .aggregate(() => [0, 0], { value: json<number[]>() })
   *   .toStream()
   *   .to('water')
   * ```
   * ```text
   * cold h1:10@10m → water h1[0,1h):[10,0]@10m
   * warm h1:5@20m → water h1[0,1h):[15,5]@20m
   * cold h1:3@70m → water h1[1h,2h):[3,0]@1h10m
   * ```
   */
  aggregate(initializer: () => A, options: WindowAggregateOptions<K, A>): KTable<Windowed<K>, A, WindowHandle<K, A>> {
    return this.#facades.table(windowedCogroupedAggregate(this.#handle, initializer, options))
  }
}
