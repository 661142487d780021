import { StreamsError, type Windowed } from '../core/index.ts'
import type { StoreHandle } from '../topology/index.ts'
import type { Facades } from './facades.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { MaterializedOptions, NamedOptions } from './materialized.ts'
import type { KeyValueHandle } from './operators/aggregate.ts'
import type { GroupedOptions } from './operators/group-by-key.ts'
import { type ForeignKeyJoinOptions, foreignKeyJoin, foreignKeyLeftJoin } from './operators/foreign-key-join.ts'
import { selectKey } from './operators/select-key.ts'
import { tableFilter, tableFilterNot } from './operators/table-filter.ts'
import { tableGroupBy } from './operators/table-group-by.ts'
import { tableJoin, tableLeftJoin, tableOuterJoin } from './operators/table-join.ts'
import { tableMapValues } from './operators/table-map-values.ts'
import { type TransformValuesOptions, tableTransformValues } from './operators/table-transform-values.ts'
import { toStream } from './operators/to-stream.ts'
import { type SuppressOptions, suppress } from './operators/suppress.ts'
import type { Suppressed, SuppressedUntilTimeLimit } from './suppressed.ts'
import type { AnyStoreHandle, TableHandle } from './table-handle.ts'
import type { ValueTransformerSupplier } from './value-transformer.ts'
import { wrongFacade } from './wrong-facade.ts'

/**
 * The latest value of each key, and its changes.
 *
 * @typeParam H - type of its store's handle.
 * @see Kafka Streams `KTable`
 */
export class KTable<K, V, H extends AnyStoreHandle = KeyValueHandle<K, V>> {
  readonly #handle: TableHandle<K, V, H>
  readonly #facades: Facades

  constructor(handle: TableHandle<K, V, H>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * The handle by which the table's store is queried, with the types of its rows: `app.store(table.queryableStore)`.
   *
   * @throws StreamsError `STORE_NOT_FOUND` when the table was not given a store name, or keeps past versions: then
   *   `queryableVersionedStore` is its handle
   * @see Kafka Streams `KTable#queryableStoreName`
   * @example
   * ```ts
   * const counts = builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .count({ store: 'clicks-per-user' })
   * console.log(`${counts.queryableStore.name} is a ${counts.queryableStore.kind} store`)
   * ```
   * ```text
   * build → log clicks-per-user is a timestamped-key-value store
   * clicks alice:/home@0 →
   * ```
   */
  get queryableStore(): H {
    const { store, node } = this.#handle
    if (store === undefined) {
      throw new StreamsError(
        'STORE_NOT_FOUND',
        `The table of node '${node.name}' has no store that can be queried. Name one where the table is made: { store: 'name' }.`,
        { details: { node: node.name } }
      )
    }
    if (store.kind === 'versioned-key-value') {
      throw new StreamsError(
        'STORE_NOT_FOUND',
        `Store '${store.name}' of node '${node.name}' keeps past versions. Query it by queryableVersionedStore.`,
        { details: { node: node.name, store: store.name } }
      )
    }
    return store
  }

  /**
   * The handle by which the store of a table with a `historyRetention` is queried: `get(key)` gives the latest version,
   * `getAsOf(key, timestampMs)` the one that was valid then.
   *
   * @throws StreamsError `STORE_NOT_FOUND` when the table has no `historyRetention` or was not given a store name
   * @see Kafka Streams `KTable#queryableStoreName`, KIP-889
   * @example
   * ```ts
   * const prices = builder.table('prices', {
   *   key: string(),
   *   value: json<number>(),
   *   store: 'prices',
   *   historyRetention: '7d'
   * })
   * console.log(`${prices.queryableVersionedStore.name} is a ${prices.queryableVersionedStore.kind} store`)
   * ```
   * ```text
   * build → log prices is a versioned-key-value store
   * prices tea:3@0 →
   * ```
   */
  get queryableVersionedStore(): StoreHandle<K, V, 'versioned-key-value'> {
    const { store, node, view } = this.#handle
    if (store?.kind === 'versioned-key-value') return store as StoreHandle<K, V, 'versioned-key-value'>
    const table =
      store === undefined ? `The table of node '${node.name}'` : `Store '${store.name}' of node '${node.name}'`
    const problem = view.isVersioned === true ? 'has no store that can be queried' : 'keeps no past versions'
    throw new StreamsError(
      'STORE_NOT_FOUND',
      `${table} ${problem}. Name a store and its history where the table is made: { store: 'name', historyRetention: '1h' }.`,
      { details: { node: node.name } }
    )
  }

  /** What operators of the DSL take when this table is their second input. */
  static handleOf<K, V, H extends AnyStoreHandle>(
    table: KTable<K, V, H>,
    where: string,
    wanted = 'a table'
  ): TableHandle<K, V, H> {
    if (table instanceof KTable) return table.#handle
    throw wrongFacade(where, wanted, table)
  }

  /**
   * The rows for which the predicate holds. A row that stops fitting is deleted.
   *
   * A deletion is forwarded for every update that does not fit, unless old values are at hand (the table above is
   * stored, or an operator below needs them): then only if the row was there. Stored, with a changelog, only if `store`
   * is given.
   *
   * @param predicate - Not called for deletions.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KTable#filter`
   * @example
   * ```ts
   * builder
   *   .table('stock', { key: string(), value: json<number>(), store: 'stock' })
   *   .filter((_item, count) => count < 10)
   *   .toStream()
   *   .to('scarce')
   * ```
   * ```text
   * stock tea:3@0 → scarce tea:3@0
   * stock milk:50@3s →
   * stock tea:80@5s → scarce tea:null@5s
   * ```
   */
  filter(predicate: (key: K, value: V) => boolean, options: MaterializedOptions<K, V> = {}): KTable<K, V> {
    return this.#facades.table(tableFilter(this.#handle, predicate, options))
  }

  /**
   * The rows for which the predicate does not hold; otherwise as `filter`.
   *
   * @param predicate - Not called for deletions.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KTable#filterNot`
   * @example
   * ```ts
   * builder
   *   .table('stock', { key: string(), value: json<number>() })
   *   .filterNot((_item, count) => count === 0)
   *   .toStream()
   *   .to('available')
   * ```
   * ```text
   * stock tea:3@0 → available tea:3@0
   * stock tea:0@5s → available tea:null@5s
   * ```
   */
  filterNot(predicate: (key: K, value: V) => boolean, options: MaterializedOptions<K, V> = {}): KTable<K, V> {
    return this.#facades.table(tableFilterNot(this.#handle, predicate, options))
  }

  /**
   * Makes a new value of each row; the keys stay. Without a name the result is not stored: a look-up by an operator
   * below calls the mapper again on the row above.
   *
   * @param mapper - Gets the value and the key. A null from it deletes the row. Not called for deletions. Always the
   *   same for the same row.
   * @param options - Stored, with a changelog, only if `store` is given; `value` is then the serde of the result.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KTable#mapValues`
   * @example
   * ```ts
   * builder
   *   .table('users', { key: string(), value: json<{ city: string }>() })
   *   .mapValues(({ city }) => city.toUpperCase())
   *   .toStream()
   *   .to('cities', { value: string() })
   * ```
   * ```text
   * users alice:{"city":"Rome"}@0 → cities alice:ROME@0
   * users alice:null@5s → cities alice:null@5s
   * ```
   */
  mapValues<VR>(
    mapper: (value: V, key: K) => VR,
    options: MaterializedOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableMapValues(this.#handle, mapper, options))
  }

  /**
   * Makes a new value of each row with a transformer of your own, which may use stores and punctuations and, unlike a
   * mapper, also sees deletions, as null: `transformValues(() => (key, value) => …)`. It cannot forward. Without a name
   * the result is not stored: a look-up by an operator below calls a transformer again on the row above.
   *
   * @param supplier - Called for each task, and for each node that looks the rows up: must give a new transformer each
   *   time.
   * @param options - `stores` as in `process`; stored, with a changelog, only if `store` is given.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_UNKNOWN_STORE`,
   *   `TOPOLOGY_INVALID`
   * @see Kafka Streams `KTable#transformValues`
   * @example
   * ```ts
   * builder
   *   .table('prices', { key: string(), value: json<number>() })
   *   .transformValues(() => (item, price) => (price === null ? `${item} is gone` : `${item} costs ${price}`))
   *   .toStream()
   *   .to('news', { value: string() })
   * ```
   * ```text
   * prices tea:3@0 → news tea:"tea costs 3"@0
   * prices tea:null@5s → news tea:"tea is gone"@5s
   * ```
   */
  transformValues<VR>(
    supplier: ValueTransformerSupplier<K, V, VR>,
    options: TransformValuesOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableTransformValues(this.#handle, supplier, options))
  }

  /**
   * The keys that both tables have, with a value made of both. Recomputed at every update of either table while the
   * other has a row; a deletion then deletes the result, and is forwarded again each time it is repeated. The result's
   * timestamp is the higher one of the two rows. What is looked up is stored: the tables, or those that they are
   * computed from. They must have equal partition counts.
   *
   * @param joiner - Gets both values and the key. A null from it deletes the row. Always the same for the same values.
   * @param options - Stored, with a changelog, only if any of them but `name` is given; `value` is then the serde of
   *   the result.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KTable#join`
   * @example
   * ```ts
   * const stock = builder.table('stock', { key: string(), value: json<number>() })
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * stock
   *   .join(prices, (count, price) => count * price)
   *   .toStream()
   *   .to('worth', { value: json<number>() })
   * ```
   * ```text
   * stock tea:10@0 →
   * prices tea:3@5s → worth tea:30@5s
   * stock tea:8@2s → worth tea:24@5s
   * prices tea:null@9s → worth tea:null@9s
   * ```
   */
  join<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V, other: VO, key: K) => VR,
    options?: MaterializedOptions<K, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  /**
   * Joins each row with the row of another table whose key is in it: many rows of this table may refer to one of the
   * other. The result is keyed like this table.
   *
   * A row subscribes to its foreign key through an internal topic, kept in a store beside the other table; the answers
   * come back through a second topic. An answer to a value that has changed meanwhile is dropped. A row's update takes
   * the higher timestamp of both rows, an update of the other table its own. Rows without a foreign key, or with one
   * that the other table lacks, have no result. The tables may have different partition counts.
   *
   * @param foreignKey - Gets key and value of a row and gives the key of the other table, or null.
   * @param joiner - Gets both values and the key. A null from it deletes the row.
   * @param options - `name` is the prefix of the nodes, the two topics and the store.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KTable#join(KTable, Function, …)` (KIP-213)
   * @example
   * ```ts
   * const orders = builder.table('orders', { key: string(), value: json<{ item: string; count: number }>() })
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * orders
   *   .join(prices, (_order, { item }) => item, ({ count }, price) => count * price)
   *   .toStream()
   *   .to('totals', { value: json<number>() })
   * ```
   * ```text
   * prices tea:3@0 →
   * orders o1:{"item":"tea","count":2}@5s → totals o1:6@5s
   * orders o2:{"item":"tea","count":5}@6s → totals o2:15@6s
   * prices tea:4@9s → totals o1:8@9s o2:20@9s
   * orders o2:null@12s → totals o2:null@12s
   * ```
   */
  join<KO, VO, VR>(
    other: KTable<KO, VO, AnyStoreHandle>,
    foreignKey: (key: K, value: V) => KO | null | undefined,
    joiner: (value: V, other: VO, key: K) => VR,
    options?: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  join(other: KTable<any, any, AnyStoreHandle>, first: any, second: any = {}, options: any = {}): unknown {
    const right = KTable.handleOf(other, 'join()')
    return typeof second === 'function'
      ? this.#facades.table(foreignKeyJoin(this.#handle, right, first, second, options))
      : this.#facades.table(tableJoin(this.#handle, right, first, second))
  }

  /**
   * The keys of this table, with a value made of both; null stands for a missing row of the other. Otherwise as `join`.
   *
   * @param joiner - Gets the value, that of the other table or null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KTable#leftJoin`
   * @example
   * ```ts
   * const stock = builder.table('stock', { key: string(), value: json<number>() })
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * stock
   *   .leftJoin(prices, (count, price) => `${count} at ${price ?? 'no price'}`)
   *   .toStream()
   *   .to('offers', { value: string() })
   * ```
   * ```text
   * stock tea:10@0 → offers tea:"10 at no price"@0
   * prices tea:3@5s → offers tea:"10 at 3"@5s
   * prices milk:1@6s →
   * stock tea:null@9s → offers tea:null@9s
   * ```
   */
  leftJoin<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V, other: VO | null, key: K) => VR,
    options?: MaterializedOptions<K, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  /**
   * As `join` by a foreign key, with null for a row that the other table lacks, or for a null foreign key.
   *
   * @param foreignKey - Gets key and value of a row and gives the key of the other table, or null.
   * @param joiner - Gets the value, that of the other table or null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KTable#leftJoin(KTable, Function, …)` (KIP-213)
   * @example
   * ```ts
   * const orders = builder.table('orders', { key: string(), value: json<{ item: string | null }>() })
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * orders
   *   .leftJoin(prices, (_order, { item }) => item, ({ item }, price) => `${item}: ${price ?? 'no price'}`)
   *   .toStream()
   *   .to('offers', { value: string() })
   * ```
   * ```text
   * orders o1:{"item":"tea"}@0 → offers o1:"tea: no price"@0
   * prices tea:3@5s → offers o1:"tea: 3"@5s
   * orders o2:{"item":null}@6s → offers o2:"null: no price"@6s
   * ```
   */
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO, AnyStoreHandle>,
    foreignKey: (key: K, value: V) => KO | null | undefined,
    joiner: (value: V, other: VO | null, key: K) => VR,
    options?: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  leftJoin(other: KTable<any, any, AnyStoreHandle>, first: any, second: any = {}, options: any = {}): unknown {
    const right = KTable.handleOf(other, 'leftJoin()')
    return typeof second === 'function'
      ? this.#facades.table(foreignKeyLeftJoin(this.#handle, right, first, second, options))
      : this.#facades.table(tableLeftJoin(this.#handle, right, first, second))
  }

  /**
   * The keys that either table has, with a value made of both; null stands for the missing row. Otherwise as `join`.
   *
   * @param joiner - Gets the values of both, one of which may be null, and the key.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`; at start `TOPOLOGY_NOT_COPARTITIONED`
   * @see Kafka Streams `KTable#outerJoin`
   * @example
   * ```ts
   * const stock = builder.table('stock', { key: string(), value: json<number>() })
   * const prices = builder.table('prices', { key: string(), value: json<number>() })
   * stock
   *   .outerJoin(prices, (count, price) => `${count ?? 'none'} at ${price ?? 'no price'}`)
   *   .toStream()
   *   .to('offers', { value: string() })
   * ```
   * ```text
   * prices tea:3@0 → offers tea:"none at 3"@0
   * stock tea:10@5s → offers tea:"10 at 3"@5s
   * prices tea:null@9s → offers tea:"10 at no price"@9s
   * stock tea:null@12s → offers tea:null@12s
   * ```
   */
  outerJoin<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V | null, other: VO | null, key: K) => VR,
    options: MaterializedOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableOuterJoin(this.#handle, KTable.handleOf(other, 'outerJoin()'), joiner, options))
  }

  /**
   * Groups the rows by a new key and value. The aggregations below go through a repartition topic,
   * `<applicationId>-<name>-repartition`, and stay right when rows change: the old row is taken out of its group, the
   * new one is added to its own.
   *
   * @param selector - Returns `[key, value]` of a row; a row whose key or value there is null belongs to no group.
   *   Always the same for the same row.
   * @param options - Serdes of the new key and value; `name` names the node and the repartition topic.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`
   * @see Kafka Streams `KTable#groupBy`
   * @example
   * ```ts
   * builder
   *   .table('orders', { key: string(), value: json<{ customer: string; total: number }>() })
   *   .groupBy((_order, { customer, total }) => [customer, total], { key: string(), value: json<number>() })
   *   .reduce(
   *     (sum, total) => sum + total,
   *     (sum, total) => sum - total,
   *     { store: 'open-orders' }
   *   )
   *   .toStream()
   *   .to('open-orders')
   * ```
   * ```text
   * orders o1:{"customer":"alice","total":5}@0 → open-orders alice:5@0
   * orders o2:{"customer":"alice","total":7}@5s → open-orders alice:12@5s
   * orders o1:{"customer":"bob","total":5}@9s → open-orders alice:7@9s bob:5@9s
   * ```
   */
  groupBy<KR, VR, KG = KR, VG = VR>(
    selector: (key: K, value: V) => readonly [KR, VR],
    options: GroupedOptions<KR, VR, KG, VG> = {}
  ): KGroupedTable<NonNullable<KG>, NonNullable<VG>> {
    return this.#facades.groupedTable(tableGroupBy(this.#handle, selector, options))
  }

  /**
   * Holds updates back and emits only the last of each key: `suppress(untilWindowCloses())`, which takes a table of
   * windows, or `suppress(untilTimeLimit('10s'))`.
   *
   * Time is the highest timestamp that this operator has seen. What is due is emitted after each update that comes in,
   * in order of (time of the first update held, key), for windows (window end, key, window start), with the timestamp
   * and headers of the last update. Deletions of windows are not emitted, since nothing was before. What is held is
   * kept in a store with a changelog.
   *
   * @param options - `changelog: false` loses what is held with the machine.
   * @throws StreamsError `TOPOLOGY_INVALID` for `untilWindowCloses` on a table that is not made of windows;
   *   `TOPOLOGY_SERDE_MISSING`; while running `STATE_BUFFER_FULL`
   * @see Kafka Streams `KTable#suppress`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(tumbling('5m', { grace: '1m' }))
   *   .count()
   *   .suppress(untilWindowCloses())
   *   .toStream()
   *   .to('clicks-5m')
   * ```
   * ```text
   * clicks alice:/home@0 →
   * clicks alice:/cart@4m →
   * clicks alice:/home@5m →
   * clicks bob:/home@6m → clicks-5m alice[0,5m):2@4m
   * ```
   */
  suppress(
    suppressed: K extends Windowed<unknown> ? Suppressed : SuppressedUntilTimeLimit,
    options: SuppressOptions<K, V> = {}
  ): KTable<K, V> {
    return this.#facades.table(suppress(this.#handle, suppressed, options))
  }

  /**
   * Every update as a record with a new key; a deletion has a null value. Grouping or joining the result goes through a
   * repartition topic.
   *
   * @param mapper - Also called for null values.
   * @see Kafka Streams `KTable#toStream(KeyValueMapper)`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .groupByKey()
   *   .windowedBy(tumbling('5m'))
   *   .count()
   *   .toStream(({ key, startMs }) => `${key} from ${startMs / 60_000} min`)
   *   .to('clicks-5m', { key: string() })
   * ```
   * ```text
   * clicks alice:/home@6m → clicks-5m "alice from 5 min":1@6m
   * ```
   */
  toStream<KR>(mapper: (key: K, value: V) => KR, options?: NamedOptions): KStream<KR, V>
  /**
   * Every update as a record of a stream; a deletion is a record with a null value.
   *
   * @see Kafka Streams `KTable#toStream`
   * @example
   * ```ts
   * builder
   *   .table('prices', { key: string(), value: json<number>() })
   *   .toStream()
   *   .to('price-changes')
   * ```
   * ```text
   * prices tea:3@0 → price-changes tea:3@0
   * prices tea:null@5s → price-changes tea:null@5s
   * ```
   */
  toStream(options?: NamedOptions): KStream<K, V>
  toStream<KR>(first: NamedOptions | ((key: K, value: V) => KR) = {}, options: NamedOptions = {}): unknown {
    if (!isMapper(first)) return this.#facades.stream(toStream(this.#handle, first))
    return this.#facades.stream(selectKey(toStream(this.#handle, options), first))
  }
}

/** Whatever else is given is taken for options, and refused as such. */
function isMapper<M extends (...args: any[]) => unknown>(first: NamedOptions | M): first is M {
  return typeof first === 'function'
}
