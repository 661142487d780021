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
import { wrongFacade } from './wrong-facade.ts'

const JOINABLE = 'a stream, a table or a global table'

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

  /**
   * Passes on the records for which the predicate holds, unchanged. A type guard narrows the type of the values.
   *
   * @param predicate - Also called for null keys and null values.
   * @see Kafka Streams `KStream#filter`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .filter((_customer, amount) => amount >= 100)
   *   .to('large-orders')
   * ```
   * ```text
   * orders alice:120@0 → large-orders alice:120@0
   * orders bob:40@5s →
   * ```
   */
  filter<VR extends V>(
    predicate: (key: K, value: V) => value is VR,
    options?: NamedOptions
  ): KStream<K, WithoutLiterals<V, VR>>
  filter(predicate: (key: K, value: V) => boolean, options?: NamedOptions): KStream<K, V>
  filter(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): unknown {
    return this.#facades.stream(filter(this.#handle, predicate, options))
  }

  /**
   * Passes on the records for which the predicate does not hold, unchanged.
   *
   * @param predicate - Also called for null keys and null values.
   * @see Kafka Streams `KStream#filterNot`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .filterNot((_customer, amount) => amount === null)
   *   .to('orders-with-amount')
   * ```
   * ```text
   * orders alice:120@0 → orders-with-amount alice:120@0
   * orders bob:null@5s →
   * ```
   */
  filterNot(predicate: (key: K, value: V) => boolean, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(filterNot(this.#handle, predicate, options))
  }

  /**
   * Makes a new key and value of each record; timestamp and headers stay.
   *
   * Grouping or joining the result goes through a repartition topic. If only the value changes, `mapValues` spares
   * that. What is written or stored below needs serdes again, since the types may be others.
   *
   * @param mapper - Returns `[key, value]`; `undefined` counts as null. Also called for null keys and null values.
   * @see Kafka Streams `KStream#map`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<{ item: string; count: number }>() })
   *   .map((_customer, { item, count }) => [item, count])
   *   .to('items', { key: string(), value: json<number>() })
   * ```
   * ```text
   * orders alice:{"item":"tea","count":2}@0^trace=7 → items tea:2@0^trace=7
   * ```
   */
  map<KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR], options: NamedOptions = {}): KStream<KR, VR> {
    return this.#facades.stream(map(this.#handle, mapper, options))
  }

  /**
   * Makes a new value of each record; key, timestamp and headers stay, and so does the partitioning.
   *
   * @param mapper - Gets the value and the key, which it must not change. `undefined` counts as null. Also called for
   *   null values.
   * @see Kafka Streams `KStream#mapValues`
   * @example
   * ```ts
   * builder
   *   .stream('words', { key: string(), value: string() })
   *   .mapValues(word => word.length)
   *   .to('lengths', { value: json<number>() })
   * ```
   * ```text
   * words a:tea@0 → lengths a:3@0
   * words b:coffee@5s → lengths b:6@5s
   * ```
   */
  mapValues<VR>(mapper: (value: V, key: K) => VR, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(mapValues(this.#handle, mapper, options))
  }

  /**
   * Makes any number of records of each record, with its timestamp and headers, in the order given.
   *
   * Grouping or joining the result goes through a repartition topic. If only values change, `flatMapValues` spares
   * that.
   *
   * @param mapper - Returns `[key, value]` pairs, in an array or anything else that can be iterated over. Also called
   *   for null keys and null values.
   * @see Kafka Streams `KStream#flatMap`
   * @example
   * ```ts
   * builder
   *   .stream('carts', { key: string(), value: json<Record<string, number>>() })
   *   .flatMap((_customer, cart) => Object.entries(cart))
   *   .to('items', { key: string(), value: json<number>() })
   * ```
   * ```text
   * carts alice:{"tea":2,"milk":1}@0 → items tea:2@0 milk:1@0
   * carts bob:{}@5s →
   * ```
   */
  flatMap<KR, VR>(
    mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>,
    options: NamedOptions = {}
  ): KStream<KR, VR> {
    return this.#facades.stream(flatMap(this.#handle, mapper, options))
  }

  /**
   * Makes any number of values of each record, with its key, timestamp and headers, in the order given.
   *
   * @param mapper - Gets the value and the key, which it must not change; returns the new values, in an array or
   *   anything else that can be iterated over. Also called for null values.
   * @see Kafka Streams `KStream#flatMapValues`
   * @example
   * ```ts
   * builder
   *   .stream('lines', { key: string(), value: string() })
   *   .flatMapValues(line => line.split(' '))
   *   .to('words', { value: string() })
   * ```
   * ```text
   * lines l1:"black tea"@0 → words l1:black@0 l1:tea@0
   * ```
   */
  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, options: NamedOptions = {}): KStream<K, VR> {
    return this.#facades.stream(flatMapValues(this.#handle, mapper, options))
  }

  /**
   * Gives each record a new key; value, timestamp and headers stay.
   *
   * Grouping or joining the result goes through a repartition topic, also when every key stays as it was.
   *
   * @param mapper - Also called for null keys and null values; `undefined` counts as null.
   * @see Kafka Streams `KStream#selectKey`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<{ customer: string }>() })
   *   .selectKey((_order, { customer }) => customer)
   *   .to('orders-by-customer', { key: string() })
   * ```
   * ```text
   * orders o1:{"customer":"alice"}@0 → orders-by-customer alice:{"customer":"alice"}@0
   * ```
   */
  selectKey<KR>(mapper: (key: K, value: V) => KR, options: NamedOptions = {}): KStream<KR, V> {
    return this.#facades.stream(selectKey(this.#handle, mapper, options))
  }

  /**
   * Shows each record to a function and passes it on unchanged. Under any guarantee the function may see a record again
   * after a failure.
   *
   * @param action - Must not change what it is given. A promise that it returns is not awaited.
   * @see Kafka Streams `KStream#peek`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .peek((customer, amount) => console.log(`${customer} pays ${amount}`))
   *   .to('seen')
   * ```
   * ```text
   * orders alice:120@0 → log alice pays 120 | seen alice:120@0
   * ```
   */
  peek(action: (key: K, value: V) => void, options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(peek(this.#handle, action, options))
  }

  /**
   * Calls a function for each record; nothing comes after it. Under any guarantee the function may see a record again
   * after a failure.
   *
   * @param action - A promise that it returns is not awaited.
   * @see Kafka Streams `KStream#foreach`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .foreach((customer, amount) => console.log(`${customer} pays ${amount}`))
   * ```
   * ```text
   * orders alice:120@0 → log alice pays 120
   * ```
   */
  foreach(action: (key: K, value: V) => void, options: NamedOptions = {}): void {
    foreach(this.#handle, action, options)
  }

  /**
   * Passes on the records of both streams. Those of one input partition keep their order; between partitions and
   * streams there is none. Merging a stream with itself does not double its records.
   *
   * The serdes are kept where both streams have the same ones; otherwise give them to the operator that needs them.
   *
   * @throws StreamsError `TOPOLOGY_INVALID` when the streams come from different builders
   * @see Kafka Streams `KStream#merge`
   * @example
   * ```ts
   * const web = builder.stream('web', { key: string(), value: string() })
   * const shop = builder.stream('shop', { key: string(), value: string() })
   * web.merge(shop).to('orders')
   * ```
   * ```text
   * web alice:tea@0 → orders alice:tea@0
   * shop bob:milk@5s → orders bob:milk@5s
   * ```
   */
  merge<K2, V2>(other: KStream<K2, V2>, options: NamedOptions = {}): KStream<K | K2, V | V2> {
    if (!(other instanceof KStream)) throw wrongFacade('merge()', 'a stream', other)
    return this.#facades.stream(merge(this.#handle, other.#handle, options))
  }

  /**
   * Begins to split the stream: each record goes down the first branch whose predicate holds, or down the default
   * branch, or nowhere. Ended by `defaultBranch` or `noDefaultBranch`, which give the branches by name.
   *
   * @param options - `name` is the prefix of the branches' node names: `<name><branch>`.
   * @see Kafka Streams `KStream#split`
   * @example
   * ```ts
   * const { large, small } = builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .split()
   *   .branch('large', (_customer, amount) => amount >= 100)
   *   .defaultBranch('small')
   * large.to('large-orders')
   * small.to('small-orders')
   * ```
   * ```text
   * orders alice:120@0 → large-orders alice:120@0
   * orders bob:40@5s → small-orders bob:40@5s
   * ```
   */
  split(options: NamedOptions = {}): BranchedKStream<K, V> {
    return this.#facades.branched(split(this.#handle, options))
  }

  /**
   * Writes the stream to an internal topic, `<applicationId>-<name>-repartition`, and reads it back, so that equal keys
   * meet in one partition and what comes below has as many partitions as wanted. The topic is created, and purged as it
   * is read; timestamps and headers stay. Records with a null key are dropped, unless a left or outer join below takes
   * them.
   *
   * @param options - `name` names the topic; `partitionCount` fixes its partitions, from 1 on.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`
   * @see Kafka Streams `KStream#repartition`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<{ item: string }>() })
   *   .selectKey((_order, { item }) => item)
   *   .repartition({ name: 'by-item', key: string(), partitionCount: 12 })
   *   .to('orders-by-item')
   * ```
   * ```text
   * orders o1:{"item":"tea"}@0 → orders-by-item tea:{"item":"tea"}@0
   * orders o2:{"item":null}@5s →
   * ```
   */
  repartition<KW = K, VW = V>(options: RepartitionedOptions<K, V, KW, VW> = {}): KStream<KW, VW> {
    return this.#facades.stream(repartition(this.#handle, options))
  }

  /**
   * Takes the stream as the updates of a table: each record sets the value of its key, a null value deletes it. Records
   * with a null key are dropped.
   *
   * An operator above that may have changed the key puts a repartition topic before the table. The table is stored if
   * it is named, or if an operator below has to look it up or to know old values.
   *
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KStream#toTable`
   * @example
   * ```ts
   * builder
   *   .stream('logins', { key: string(), value: string() })
   *   .filter((_user, device) => device !== 'test')
   *   .toTable({ store: 'last-device' })
   *   .toStream()
   *   .to('devices')
   * ```
   * ```text
   * logins alice:phone@0 → devices alice:phone@0
   * logins alice:test@3s →
   * logins phone@5s →
   * ```
   */
  toTable<KW = K, VW = V>(options: ToTableOptions<K, V, KW, VW> = {}): KTable<KW, VW> {
    return this.#facades.table(toTable(this.#handle, options))
  }

  /**
   * Groups the records by their key, to be aggregated. An operator above that may have changed the key makes each
   * aggregation below go through a repartition topic, `<applicationId>-<name>-repartition`; one topic for all of them
   * if `name` is given.
   *
   * @see Kafka Streams `KStream#groupByKey`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .count()
   *   .toStream()
   *   .to('clicks-per-user')
   * ```
   * ```text
   * clicks alice:/home@0 → clicks-per-user alice:1@0
   * clicks bob:/home@5s → clicks-per-user bob:1@5s
   * clicks alice:/cart@9s → clicks-per-user alice:2@9s
   * ```
   */
  groupByKey<KG = K, VG = V>(options: GroupedOptions<K, V, KG, VG> = {}): KGroupedStream<KG, VG> {
    return this.#facades.groupedStream(groupByKey(this.#handle, options))
  }

  /**
   * Gives each record a new key and groups by it. Each aggregation below goes through a repartition topic,
   * `<applicationId>-<name>-repartition`; one topic for all of them if `name` is given. Records whose new key is null
   * are dropped.
   *
   * @param selector - Gives the new key; `undefined` counts as null.
   * @param options - `key` is the serde of the new key; `name` names the node and the repartition topic.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, where the groups are aggregated
   * @see Kafka Streams `KStream#groupBy`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupBy((_user, page) => page, { key: string(), name: 'by-page' })
   *   .count()
   *   .toStream()
   *   .to('clicks-per-page')
   * ```
   * ```text
   * clicks alice:/home@0 → clicks-per-page /home:1@0
   * clicks bob:/home@5s → clicks-per-page /home:2@5s
   * ```
   */
  groupBy<KR, KG = KR, VG = V>(
    selector: (key: K, value: V) => KR,
    options: GroupedOptions<KR, V, KG, VG> = {}
  ): KGroupedStream<KG, VG> {
    return this.#facades.groupedStream(groupBy(this.#handle, selector, options))
  }

  /**
   * Joins each record with the row that the table has for its key at that moment; without one there is no result.
   *
   * Updates of the table give no output. Records with a null key or null value are dropped. The result has the record's
   * key, timestamp and headers. A versioned table is looked up as of that timestamp. With `grace`, records wait in a
   * store and leave in order of (timestamp, key, arrival); those that come later than that are joined at once. Stream
   * and table must have equal partition counts; an operator above that may have changed the key puts a repartition
   * topic before the join.
   *
   * @param joiner - Gets the record's value, the row's value and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KStream#join(KTable, …)`
   * @example
   * ```ts
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * builder
   *   .stream('sales', { key: string(), value: json<number>() })
   *   .join(prices, (count, price) => count * price)
   *   .to('revenue', { value: json<number>() })
   * ```
   * ```text
   * sales tea:2@0 →
   * prices tea:3@1s →
   * sales tea:2@5s → revenue tea:6@5s
   * prices tea:4@6s →
   * ```
   */
  join<VT, VR>(
    table: KTable<K, VT, AnyStoreHandle>,
    joiner: (value: V, row: VT, key: K) => VR,
    options?: JoinedOptions<K, V>
  ): KStream<K, VR>
  /**
   * Joins each record with the row that a global table has, at that moment, for a key computed from the record. Records
   * without such a key or row give nothing.
   *
   * Nothing is repartitioned: every instance holds the whole table. Updates of the table give no output. Records with a
   * null value are dropped; a null record key is fine. The result keeps key, timestamp and headers.
   *
   * @param selector - Gives the key to look up; null or undefined drops the record.
   * @param joiner - Gets the record's value, the row's value and the record's key.
   * @throws StreamsError `TOPOLOGY_INVALID` when stream and table come from different builders
   * @see Kafka Streams `KStream#join(GlobalKTable, …)`
   * @example
   * ```ts
   * const customers = builder.globalTable('customers', { key: string(), value: string() })
   * builder
   *   .stream('orders', { key: string(), value: json<{ customer: string }>() })
   *   .join(customers, (_order, { customer }) => customer, (_order, name, key) => `${key} of ${name}`)
   *   .to('named-orders', { value: string() })
   * ```
   * ```text
   * customers c1:Alice@0 →
   * orders o1:{"customer":"c1"}@5s → named-orders o1:"o1 of Alice"@5s
   * orders o2:{"customer":"c2"}@6s →
   * ```
   */
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: (key: K, value: V) => KG | null | undefined,
    joiner: (value: V, row: VG, key: K) => VR,
    options?: NamedOptions
  ): KStream<K, VR>
  /**
   * Joins each record with those of another stream that have its key and are near it in time.
   *
   * Both streams are kept in window stores for as long as records may match: `before + after + grace`. Every pair gives
   * one result, with the higher timestamp of the two and the headers of the one that came last. Records with a null key
   * or a null value are dropped. A record that comes late is joined with what is still kept, and is itself kept if it
   * is not older than that. The streams must have equal partition counts; an operator above that may have changed a key
   * puts a repartition topic before the join.
   *
   * @param joiner - Gets the value of this stream's record, that of the other's, and the key.
   * @param windows - `joinWindows('10m')`: how far apart the two may be.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KStream#join(KStream, …)`
   * @example
   * ```ts
   * const orders = builder.stream('orders', { key: string(), value: string() })
   * const payments = builder.stream('payments', { key: string(), value: json<number>() })
   * orders
   *   .join(payments, (item, amount) => `${item} for ${amount}`, joinWindows('10m'))
   *   .to('paid', { value: string() })
   * ```
   * ```text
   * orders o1:tea@0 →
   * payments o1:3@1m → paid o1:"tea for 3"@1m
   * payments o1:9@11m →
   * ```
   */
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
    return this.#facades.stream(
      streamTableJoin(this.#handle, KTable.handleOf(table, 'join()', JOINABLE), first, second)
    )
  }

  /**
   * Joins each record with the row that the table has for its key at that moment, or with null if it has none. Records
   * with a null key are joined with null; records with a null value are dropped. Otherwise as `join`.
   *
   * @param joiner - Gets the record's value, the row's value or null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KStream#leftJoin(KTable, …)`
   * @example
   * ```ts
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * builder
   *   .stream('sales', { key: string(), value: json<number>() })
   *   .leftJoin(prices, (count, price) => count * (price ?? 1))
   *   .to('revenue', { value: json<number>() })
   * ```
   * ```text
   * sales tea:2@0 → revenue tea:2@0
   * prices tea:3@1s →
   * sales tea:2@5s → revenue tea:6@5s
   * ```
   */
  leftJoin<VT, VR>(
    table: KTable<K, VT, AnyStoreHandle>,
    joiner: (value: V, row: VT | null, key: K) => VR,
    options?: JoinedOptions<K, V>
  ): KStream<K, VR>
  /**
   * Joins each record with the row that a global table has for a key computed from the record, or with null when there
   * is no such row or key. Records with a null value are dropped. Otherwise as `join`.
   *
   * @param selector - Gives the key to look up; null or undefined finds nothing.
   * @param joiner - Gets the record's value, the row's value or null, and the record's key.
   * @throws StreamsError `TOPOLOGY_INVALID` when stream and table come from different builders
   * @see Kafka Streams `KStream#leftJoin(GlobalKTable, …)`
   * @example
   * ```ts
   * const customers = builder.globalTable('customers', { key: string(), value: string() })
   * builder
   *   .stream('orders', { key: string(), value: json<{ customer?: string }>() })
   *   .leftJoin(customers, (_order, { customer }) => customer, (_order, name) => name ?? 'unknown')
   *   .to('named-orders', { value: string() })
   * ```
   * ```text
   * customers c1:Alice@0 →
   * orders o1:{"customer":"c1"}@5s → named-orders o1:Alice@5s
   * orders o2:{}@6s → named-orders o2:unknown@6s
   * ```
   */
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: (key: K, value: V) => KG | null | undefined,
    joiner: (value: V, row: VG | null, key: K) => VR,
    options?: NamedOptions
  ): KStream<K, VR>
  /**
   * As `join`, and each record of this stream without a match gives a result with null: once its window has closed
   * (stream time passes its end and the grace), when the next record arrives; one that comes after the end of its
   * window at once. A null key matches nothing and is joined with null at once.
   *
   * @param joiner - Gets the value of this stream's record, that of the other's or null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KStream#leftJoin(KStream, …)`
   * @example
   * ```ts
   * const orders = builder.stream('orders', { key: string(), value: string() })
   * const payments = builder.stream('payments', { key: string(), value: json<number>() })
   * orders
   *   .leftJoin(payments, (item, amount) => `${item} for ${amount ?? 'nothing'}`, joinWindows('10m'))
   *   .to('paid', { value: string() })
   * ```
   * ```text
   * orders o1:tea@0 →
   * orders o2:milk@1m →
   * payments o2:2@2m → paid o2:"milk for 2"@2m
   * orders o3:tea@11m → paid o1:"tea for nothing"@0
   * ```
   */
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
    return this.#facades.stream(
      streamTableLeftJoin(this.#handle, KTable.handleOf(table, 'leftJoin()', JOINABLE), first, second)
    )
  }

  /**
   * Runs a processor of your own for each record; what it forwards is the resulting stream.
   *
   * Nothing is dropped: it sees null keys and null values. It may forward under other keys, so grouping or joining the
   * result goes through a repartition topic, and the serdes have to be given there. Stores come with `stores`,
   * punctuations with `context.schedule`.
   *
   * @param supplier - Called once per task: must give a new processor each time.
   * @throws StreamsError `TOPOLOGY_UNKNOWN_STORE`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_INVALID` while building
   * @see Kafka Streams `KStream#process`
   * @example
   * ```ts
   * class RunningTotal implements Processor<string, number, string, number> {
   *   #context!: ProcessorContext<string, number>
   *   #totals!: KeyValueStore<string, number>
   *
   *   init(context: ProcessorContext<string, number>): void {
   *     this.#context = context
   *     this.#totals = context.getStateStore('totals')
   *   }
   *
   *   process(record: StreamRecord<string, number>): void {
   *     const total = (this.#totals.get(record.key) ?? 0) + record.value
   *     this.#totals.put(record.key, total)
   *     this.#context.forward({ ...record, value: total })
   *   }
   * }
   *
   * builder
   *   .stream('payments', { key: string(), value: json<number>() })
   *   .process(() => new RunningTotal(), {
   *     stores: [keyValueStore('totals', { key: string(), value: json<number>() })]
   *   })
   *   .to('totals', { key: string(), value: json<number>() })
   * ```
   * ```text
   * payments alice:3@0 → totals alice:3@0
   * payments alice:4@5s → totals alice:7@5s
   * ```
   */
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, options: ProcessOptions = {}): KStream<KR, VR> {
    return this.#facades.stream(process(this.#handle, supplier, options))
  }

  /**
   * Runs a processor of your own for each record, which forwards under the record's key only: the stream keeps its
   * partitioning, and grouping or joining it needs no repartition topic. Otherwise as `process`.
   *
   * @param supplier - Called once per task: must give a new processor each time. What it forwards must have the key of
   *   the record in work; a punctuation has none and cannot forward.
   * @throws StreamsError `TOPOLOGY_UNKNOWN_STORE`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_INVALID` while building;
   *   `PROCESSOR_KEY_CHANGED` while running
   * @see Kafka Streams `KStream#processValues`
   * @example
   * ```ts
   * builder
   *   .stream('words', { key: string(), value: string() })
   *   .processValues<string>(() => {
   *     let context: ProcessorContext<string, string>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         context.forward({ ...record, value: `${record.value}, read at ${context.streamTimeMs()} ms` })
   *       }
   *     }
   *   })
   *   .to('stamped', { value: string() })
   * ```
   * ```text
   * words a:tea@5s → stamped a:"tea, read at 5000 ms"@5s
   * words a:milk@3s → stamped a:"milk, read at 5000 ms"@3s
   * ```
   */
  processValues<VR>(supplier: ProcessorSupplier<K, V, K, VR>, options: ProcessOptions = {}): KStream<K, VR> {
    return this.#facades.stream(processValues(this.#handle, supplier, options))
  }

  /**
   * As `leftJoin` of two streams, and the same for the records of the other stream: those without a match give a result
   * with null for this one.
   *
   * @param joiner - Gets the values of both, one of which may be null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KStream#outerJoin(KStream, …)`
   * @example
   * ```ts
   * const orders = builder.stream('orders', { key: string(), value: string() })
   * const payments = builder.stream('payments', { key: string(), value: json<number>() })
   * orders
   *   .outerJoin(payments, (item, amount) => `${item ?? 'nothing'} for ${amount ?? 'nothing'}`, joinWindows('10m'))
   *   .to('paid', { value: string() })
   * ```
   * ```text
   * orders o1:tea@0 →
   * payments o2:2@1m →
   * orders o3:milk@12m → paid o1:"tea for nothing"@0 o2:"nothing for 2"@1m
   * ```
   */
  outerJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (value: V | null, other: VO | null, key: K) => VR,
    windows: JoinWindows,
    options: StreamJoinedOptions<K, V, VO> = {}
  ): KStream<K, VR> {
    if (!(other instanceof KStream)) throw wrongFacade('outerJoin()', 'a stream', other)
    return this.#facades.stream(streamOuterJoin(this.#handle, other.#handle, joiner, windows, options))
  }

  /**
   * Writes each record to a topic, with its timestamp and headers. A null value is written as a tombstone. The
   * partition is Java's: murmur2 of the key's bytes, for keys of windows of the key inside; records without a key go
   * round.
   *
   * @param topic - A topic that exists, or a function that gives the topic of each record. A null from it is an error
   *   of the record (`RECORD_PRODUCE_FAILED`).
   * @param options - `key` and `value` are needed where an operator above may have changed the type.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`
   * @see Kafka Streams `KStream#to`
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<{ country: string }>() })
   *   .to((_order, { country }) => `orders-${country}`)
   * ```
   * ```text
   * orders o1:{"country":"fr"}@0 → orders-fr o1:{"country":"fr"}@0
   * orders o2:{"country":"it"}@5s^trace=7 → orders-it o2:{"country":"it"}@5s^trace=7
   * ```
   */
  to(topic: string | TopicNameExtractor<K, V>, options: ProducedOptions<K, V> = {}): void {
    to(this.#handle, topic, options)
  }
}
