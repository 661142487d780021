import type { ProcessorSupplier } from '../core/index.ts'
import type { JoinWindows } from '../core/index.ts'
import type { TopicNameExtractor } from '../topology/index.ts'
import type { BranchedKStream } from './branched-kstream.ts'
import type { Facades } from './facades.ts'
import { GlobalKTable } from './global-ktable.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import { KTable } from './ktable.ts'
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
import { type ProcessOptions, process } from './operators/process.ts'
import { processValues } from './operators/process-values.ts'
import { type RepartitionedOptions, repartition } from './operators/repartition.ts'
import { selectKey } from './operators/select-key.ts'
import { split } from './operators/split.ts'
import { type StreamJoinedOptions, streamJoin, streamLeftJoin, streamOuterJoin } from './operators/stream-join.ts'
import { streamGlobalJoin, streamGlobalLeftJoin } from './operators/stream-global-join.ts'
import { type JoinedOptions, streamTableJoin, streamTableLeftJoin } from './operators/stream-table-join.ts'
import { type ProducedOptions, to } from './operators/to.ts'
import { type ToTableOptions, toTable } from './operators/to-table.ts'
import type { StreamHandle } from './stream-handle.ts'
import type { AnyStoreHandle } from './table-handle.ts'

/**
 * `VR` without the literals that a comparison narrowed a whole type to: TypeScript takes `count => count === 30` for a type
 * guard, yet a stream of `30`s is one of numbers.
 */
type WithoutLiterals<V, VR> = VR extends string
  ? Whole<string, V, VR>
  : VR extends number
    ? Whole<number, V, VR>
    : VR extends bigint
      ? Whole<bigint, V, VR>
      : VR extends boolean
        ? Whole<boolean, V, VR>
        : VR
type Whole<P, V, VR> = P extends V ? P : VR

/**
 * A stream of records. Each method adds a node to the topology and returns what comes out of it. The functions given to
 * them are synchronous; they see null keys and null values too, unless the method says otherwise.
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

  /** The records for which the predicate holds. A type guard narrows the type of the values. */
  filter<VR extends V>(
    predicate: (key: K, value: V) => value is VR,
    options?: NamedOptions
  ): KStream<K, WithoutLiterals<V, VR>>
  filter(predicate: (key: K, value: V) => boolean, options?: NamedOptions): KStream<K, V>
  filter(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): unknown {
    return this.#facades.stream(filter(this.#handle, predicate, options))
  }

  /** The records for which the predicate does not hold. */
  filterNot(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(filterNot(this.#handle, predicate, options))
  }

  /** Makes a new key and value of each record: `[key, value]`. */
  map<KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR], options: NamedOptions = {}): KStream<KR, VR> {
    return this.#facades.stream(map(this.#handle, mapper, options))
  }

  /** Makes a new value of each record. */
  mapValues<VR>(mapper: (value: V, key: K) => VR, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(mapValues(this.#handle, mapper, options))
  }

  /** Makes any number of `[key, value]` of each record. */
  flatMap<KR, VR>(
    mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>,
    options: NamedOptions = {}
  ): KStream<KR, VR> {
    return this.#facades.stream(flatMap(this.#handle, mapper, options))
  }

  /** Makes any number of values of each record, under its key. */
  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(flatMapValues(this.#handle, mapper, options))
  }

  /** Gives each record a new key; grouping or joining then goes through a repartition topic. */
  selectKey<KR>(mapper: (key: K, value: V) => KR, options: NamedOptions = {}): KStream<KR, V> {
    return this.#facades.stream(selectKey(this.#handle, mapper, options))
  }

  /** Shows each record to a function and passes it on. */
  peek(action: (key: K, value: V) => void, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(peek(this.#handle, action, options))
  }

  /** Calls a function for each record; nothing comes after it. */
  foreach(action: (key: K, value: V) => void, options: NamedOptions = {}): void {
    foreach(this.#handle, action, options)
  }

  /** The records of both streams. */
  merge<K2, V2>(other: KStream<K2, V2>, options: NamedOptions = {}): KStream<K | K2, V | V2> {
    return this.#facades.stream(merge(this.#handle, other.#handle, options))
  }

  /** Begins to split the stream: `split().branch('big', …).defaultBranch('rest')` gives `{ big, rest }`. */
  split(options: NamedOptions = {}): BranchedKStream<K, V> {
    return this.#facades.branched(split(this.#handle, options))
  }

  /** Writes to a topic of the application's own and reads back, so that equal keys meet in one partition. */
  repartition<KW = K, VW = V>(options: RepartitionedOptions<K, V, KW, VW> = {}): KStream<KW, VW> {
    return this.#facades.stream(repartition(this.#handle, options))
  }

  /** Takes the records as the updates of a table. Stored if `store` is given, or if an operator below needs it. */
  toTable<KW = K, VW = V>(options: ToTableOptions<K, V, KW, VW> = {}): KTable<KW, VW> {
    return this.#facades.table(toTable(this.#handle, options))
  }

  /** Groups the records by their key, to be aggregated. */
  groupByKey<KG = K, VG = V>(options: GroupedOptions<K, V, KG, VG> = {}): KGroupedStream<KG, VG> {
    return this.#facades.groupedStream(groupByKey(this.#handle, options))
  }

  /** Groups the records by a new key, through a repartition topic, to be aggregated. */
  groupBy<KR, KG = KR, VG = V>(
    selector: (key: K, value: V) => KR,
    options: GroupedOptions<KR, V, KG, VG> = {}
  ): KGroupedStream<KG, VG> {
    return this.#facades.groupedStream(groupBy(this.#handle, selector, options))
  }

  /** Joins each record with the row that the table has for its key at that moment; without one there is no result. */
  join<VT, VR>(
    table: KTable<K, VT, AnyStoreHandle>,
    joiner: (value: V, row: VT, key: K) => VR,
    options?: JoinedOptions<K, V>
  ): KStream<K, VR>
  /** Joins each record with the row that a global table has at that moment for the key that `selector` computes. */
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: (key: K, value: V) => KG | null | undefined,
    joiner: (value: V, row: VG, key: K) => VR,
    options?: NamedOptions
  ): KStream<K, VR>
  /** Joins each record with those of another stream that have its key and are near it in time. */
  join<VO, VR>(
    other: KStream<K, VO>,
    joiner: (value: V, other: VO, key: K) => VR,
    windows: JoinWindows,
    options?: StreamJoinedOptions<K, V, VO>
  ): KStream<K, VR>
  join(
    table: KStream<K, any> | KTable<K, any, AnyStoreHandle> | GlobalKTable<any, any>,
    first: any,
    second: any = {},
    third: any = {}
  ): unknown {
    if (table instanceof KStream) {
      return this.#facades.stream(streamJoin(this.#handle, table.#handle, first, second, third))
    }
    if (table instanceof GlobalKTable) {
      return this.#facades.stream(streamGlobalJoin(this.#handle, GlobalKTable.handleOf(table), first, second, third))
    }
    return this.#facades.stream(streamTableJoin(this.#handle, KTable.handleOf(table), first, second))
  }

  /** Joins each record with the row that the table has for its key at that moment, or with null. */
  leftJoin<VT, VR>(
    table: KTable<K, VT, AnyStoreHandle>,
    joiner: (value: V, row: VT | null, key: K) => VR,
    options?: JoinedOptions<K, V>
  ): KStream<K, VR>
  /** Joins each record with the row that a global table has at that moment for the key that `selector` computes, or with null. */
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: (key: K, value: V) => KG | null | undefined,
    joiner: (value: V, row: VG | null, key: K) => VR,
    options?: NamedOptions
  ): KStream<K, VR>
  /** Joins each record with those of another stream that have its key and are near it in time, or with null. */
  leftJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (value: V, other: VO | null, key: K) => VR,
    windows: JoinWindows,
    options?: StreamJoinedOptions<K, V, VO>
  ): KStream<K, VR>
  leftJoin(
    table: KStream<K, any> | KTable<K, any, AnyStoreHandle> | GlobalKTable<any, any>,
    first: any,
    second: any = {},
    third: any = {}
  ): unknown {
    if (table instanceof KStream) {
      return this.#facades.stream(streamLeftJoin(this.#handle, table.#handle, first, second, third))
    }
    if (table instanceof GlobalKTable) {
      return this.#facades.stream(
        streamGlobalLeftJoin(this.#handle, GlobalKTable.handleOf(table), first, second, third)
      )
    }
    return this.#facades.stream(streamTableLeftJoin(this.#handle, KTable.handleOf(table), first, second))
  }

  /** Runs a processor of your own, with stores and punctuations; what it forwards is the result. */
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, options: ProcessOptions = {}): KStream<KR, VR> {
    return this.#facades.stream(process(this.#handle, supplier, options))
  }

  /** Runs a processor of your own that keeps the keys: what follows needs no repartition topic. */
  processValues<VR>(supplier: ProcessorSupplier<K, V, K, VR>, options: ProcessOptions = {}): KStream<K, VR> {
    return this.#facades.stream(processValues(this.#handle, supplier, options))
  }

  /** Joins the records of both streams that have equal keys and are near in time; null stands for a missing match. */
  outerJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (value: V | null, other: VO | null, key: K) => VR,
    windows: JoinWindows,
    options: StreamJoinedOptions<K, V, VO> = {}
  ): KStream<K, VR> {
    return this.#facades.stream(streamOuterJoin(this.#handle, other.#handle, joiner, windows, options))
  }

  /** Writes each record to a topic, or to the topic that a function gives for it. */
  to(topic: string | TopicNameExtractor<K, V>, options: ProducedOptions<K, V> = {}): void {
    to(this.#handle, topic, options)
  }
}
