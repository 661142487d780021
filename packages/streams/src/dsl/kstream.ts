import type { TopicNameExtractor } from '../topology/index.ts'
import type { Facades } from './facades.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { NamedOptions } from './materialized.ts'
import { filter, filterNot } from './operators/filter.ts'
import { flatMap } from './operators/flat-map.ts'
import { flatMapValues } from './operators/flat-map-values.ts'
import { foreach } from './operators/foreach.ts'
import { groupBy } from './operators/group-by.ts'
import { type GroupedOptions, groupByKey } from './operators/group-by-key.ts'
import { map } from './operators/map.ts'
import { mapValues } from './operators/map-values.ts'
import { merge } from './operators/merge.ts'
import { peek } from './operators/peek.ts'
import { selectKey } from './operators/select-key.ts'
import { type ProducedOptions, to } from './operators/to.ts'
import type { StreamHandle } from './stream-handle.ts'

/**
 * A stream of records. Each method adds a node to the topology and returns what comes out of it.
 *
 * @see Kafka Streams `KStream`
 */
export class KStream<K, V> {
  readonly #handle: StreamHandle<K, V>
  readonly #facades: Facades

  constructor(handle: StreamHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  filter(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(filter(this.#handle, predicate, options))
  }

  filterNot(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(filterNot(this.#handle, predicate, options))
  }

  map<KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR], options: NamedOptions = {}): KStream<KR, VR> {
    return this.#facades.stream(map(this.#handle, mapper, options))
  }

  mapValues<VR>(mapper: (value: V, key: K) => VR, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(mapValues(this.#handle, mapper, options))
  }

  flatMap<KR, VR>(
    mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>,
    options: NamedOptions = {}
  ): KStream<KR, VR> {
    return this.#facades.stream(flatMap(this.#handle, mapper, options))
  }

  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(flatMapValues(this.#handle, mapper, options))
  }

  selectKey<KR>(mapper: (key: K, value: V) => KR, options: NamedOptions = {}): KStream<KR, V> {
    return this.#facades.stream(selectKey(this.#handle, mapper, options))
  }

  peek(action: (key: K, value: V) => void, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(peek(this.#handle, action, options))
  }

  foreach(action: (key: K, value: V) => void, options: NamedOptions = {}): void {
    foreach(this.#handle, action, options)
  }

  merge<K2, V2>(other: KStream<K2, V2>, options: NamedOptions = {}): KStream<K | K2, V | V2> {
    return this.#facades.stream(merge(this.#handle, other.#handle, options))
  }

  groupByKey(options: GroupedOptions<K, V> = {}): KGroupedStream<K, V> {
    return this.#facades.groupedStream(groupByKey(this.#handle, options))
  }

  groupBy<KR>(selector: (key: K, value: V) => KR, options: GroupedOptions<KR, V> = {}): KGroupedStream<KR, V> {
    return this.#facades.groupedStream(groupBy(this.#handle, selector, options))
  }

  to(topic: string | TopicNameExtractor<K, V>, options: ProducedOptions<K, V> = {}): void {
    to(this.#handle, topic, options)
  }
}
