import { StreamsError, type Windowed } from '../core/index.ts'
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
   * @throws StreamsError `STORE_NOT_FOUND` when the table was not given a store name.
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
    return store
  }

  /** What operators of the DSL take when this table is their second input. */
  static handleOf<K, V, H extends AnyStoreHandle>(table: KTable<K, V, H>): TableHandle<K, V, H> {
    return table.#handle
  }

  /** The rows for which the predicate holds; a row that stops fitting is deleted. Stored if `store` is given. */
  filter(predicate: (key: K, value: V) => boolean, options: MaterializedOptions<K, V> = {}): KTable<K, V> {
    return this.#facades.table(tableFilter(this.#handle, predicate, options))
  }

  /** The rows for which the predicate does not hold. Stored if `store` is given. */
  filterNot(predicate: (key: K, value: V) => boolean, options: MaterializedOptions<K, V> = {}): KTable<K, V> {
    return this.#facades.table(tableFilterNot(this.#handle, predicate, options))
  }

  /** Makes a new value of each row; a null deletes it. Stored if `store` is given. */
  mapValues<VR>(
    mapper: (value: V, key: K) => VR,
    options: MaterializedOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableMapValues(this.#handle, mapper, options))
  }

  /**
   * Makes a new value of each row with a transformer of your own, which may use stores and, unlike a mapper, also sees
   * deletions, as null: `transformValues(() => (key, value) => …)`. Stored if `store` is given.
   */
  transformValues<VR>(
    supplier: ValueTransformerSupplier<K, V, VR>,
    options: TransformValuesOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableTransformValues(this.#handle, supplier, options))
  }

  /** The keys that both tables have, with a value made of both. Stored if `store` is given. */
  join<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V, other: VO, key: K) => VR,
    options?: MaterializedOptions<K, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  /** Joins each row with the row of another table whose key is in it. Stored if `store` is given. */
  join<KO, VO, VR>(
    other: KTable<KO, VO, AnyStoreHandle>,
    foreignKey: (key: K, value: V) => KO | null | undefined,
    joiner: (value: V, other: VO, key: K) => VR,
    options?: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  join(other: KTable<any, any, AnyStoreHandle>, first: any, second: any = {}, options: any = {}): unknown {
    const right = KTable.handleOf(other)
    return typeof second === 'function'
      ? this.#facades.table(foreignKeyJoin(this.#handle, right, first, second, options))
      : this.#facades.table(tableJoin(this.#handle, right, first, second))
  }

  /** The keys of this table, with a value made of both; null stands for a missing row of the other. */
  leftJoin<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V, other: VO | null, key: K) => VR,
    options?: MaterializedOptions<K, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  /** Joins each row with the row of another table whose key is in it, or with null. */
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO, AnyStoreHandle>,
    foreignKey: (key: K, value: V) => KO | null | undefined,
    joiner: (value: V, other: VO | null, key: K) => VR,
    options?: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>>
  ): KTable<K, NonNullable<VR>>
  leftJoin(other: KTable<any, any, AnyStoreHandle>, first: any, second: any = {}, options: any = {}): unknown {
    const right = KTable.handleOf(other)
    return typeof second === 'function'
      ? this.#facades.table(foreignKeyLeftJoin(this.#handle, right, first, second, options))
      : this.#facades.table(tableLeftJoin(this.#handle, right, first, second))
  }

  /** The keys that either table has, with a value made of both; null stands for the missing row. */
  outerJoin<VO, VR>(
    other: KTable<K, VO, AnyStoreHandle>,
    joiner: (value: V | null, other: VO | null, key: K) => VR,
    options: MaterializedOptions<K, NonNullable<VR>> = {}
  ): KTable<K, NonNullable<VR>> {
    return this.#facades.table(tableOuterJoin(this.#handle, KTable.handleOf(other), joiner, options))
  }

  /** Groups the rows by a new key and value, to be aggregated; stays right when rows change. */
  groupBy<KR, VR, KG = KR, VG = VR>(
    selector: (key: K, value: V) => readonly [KR, VR],
    options: GroupedOptions<KR, VR, KG, VG> = {}
  ): KGroupedTable<NonNullable<KG>, NonNullable<VG>> {
    return this.#facades.groupedTable(tableGroupBy(this.#handle, selector, options))
  }

  /**
   * Holds updates back and emits only the last of each key: `suppress(untilWindowCloses())`, which takes a table of windows,
   * or `suppress(untilTimeLimit('10s'))`.
   */
  suppress(
    suppressed: K extends Windowed<unknown> ? Suppressed : SuppressedUntilTimeLimit,
    options: SuppressOptions<K, V> = {}
  ): KTable<K, V> {
    return this.#facades.table(suppress(this.#handle, suppressed, options))
  }

  /** Every update as a record with a new key. */
  toStream<KR>(mapper: (key: K, value: V) => KR, options?: NamedOptions): KStream<KR, V>
  /** Every update as a record of a stream; a deletion has a null value. */
  toStream(options?: NamedOptions): KStream<K, V>
  toStream<KR>(first: NamedOptions | ((key: K, value: V) => KR) = {}, options: NamedOptions = {}): unknown {
    if (typeof first === 'object') return this.#facades.stream(toStream(this.#handle, first))
    return this.#facades.stream(selectKey(toStream(this.#handle, options), first))
  }
}
