import type { Facades } from './facades.ts'
import type { KTable } from './ktable.ts'
import type { AggregateOptions, MaterializedOptions } from './materialized.ts'
import type { Aggregator, KeyValueHandle } from './operators/aggregate.ts'
import { tableAggregate } from './operators/table-aggregate.ts'
import { tableCount } from './operators/table-count.ts'
import { tableReduce } from './operators/table-reduce.ts'
import type { GroupedTableHandle } from './table-handle.ts'

/**
 * Rows of a table by group, to be aggregated.
 *
 * @see Kafka Streams `KGroupedTable`
 */
export class KGroupedTable<K, V> {
  readonly #handle: GroupedTableHandle<K, V>
  readonly #facades: Facades

  constructor(handle: GroupedTableHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * Counts the rows of each group and emits the count on every update. A count that returns to 0 stays, as 0. Makes a
   * store and its changelog, and a repartition topic.
   *
   * @param options - `value` is the serde of the counts; default `int64()`.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedTable#count`
   * @example
   * ```ts
   * builder
   *   .table('users', { key: string(), value: json<{ city: string }>() })
   *   .groupBy((user, { city }) => [city, user], { key: string(), value: string() })
   *   .count()
   *   .toStream()
   *   .to('users-per-city')
   * ```
   * ```text
   * users alice:{"city":"Rome"}@0 → users-per-city Rome:1@0
   * users bob:{"city":"Rome"}@5s → users-per-city Rome:2@5s
   * users alice:{"city":"Bern"}@9s → users-per-city Rome:1@9s Bern:1@9s
   * ```
   */
  count(options: MaterializedOptions<K, number> = {}): KTable<K, number, KeyValueHandle<K, number>> {
    return this.#facades.table(tableCount(this.#handle, options))
  }

  /**
   * Combines the rows of each group into one value of their type and emits it on every update. A changed row is first
   * taken out with the subtractor, then added with the adder; in one output if it stays in its group. Makes a store and
   * its changelog, and a repartition topic.
   *
   * @param adder - Gets the aggregate and the new row. The first row of a group is taken as it is.
   * @param subtractor - Gets the aggregate and the old row. Null from either deletes the group.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedTable#reduce`
   * @example
   * ```ts
   * builder
   *   .table('carts', { key: string(), value: json<{ shop: string; total: number }>() })
   *   .groupBy((_customer, { shop, total }) => [shop, total], { key: string(), value: json<number>() })
   *   .reduce(
   *     (sum, total) => sum + total,
   *     (sum, total) => sum - total
   *   )
   *   .toStream()
   *   .to('open-per-shop')
   * ```
   * ```text
   * carts alice:{"shop":"s1","total":5}@0 → open-per-shop s1:5@0
   * carts bob:{"shop":"s1","total":7}@5s → open-per-shop s1:12@5s
   * carts alice:{"shop":"s1","total":6}@9s → open-per-shop s1:13@9s
   * carts bob:null@12s → open-per-shop s1:6@12s
   * ```
   */
  reduce(
    adder: (aggregate: V, value: V) => V | null,
    subtractor: (aggregate: V, value: V) => V | null,
    options: MaterializedOptions<K, V> = {}
  ): KTable<K, V, KeyValueHandle<K, V>> {
    return this.#facades.table(tableReduce(this.#handle, adder, subtractor, options))
  }

  /**
   * Combines the rows of each group into an aggregate and emits it on every update. A changed row is first taken out
   * with the subtractor, then added with the adder; in one output if it stays in its group. A group's timestamp is the
   * highest of its updates. Makes a store and its changelog, and a repartition topic.
   *
   * @param initializer - Makes the aggregate of a group's first row, and again after it became null.
   * @param adder - Gets the group's key, the new row and the aggregate; returns the new aggregate.
   * @param subtractor - Gets the group's key, the old row and the aggregate; returns the new aggregate. Null from
   *   either deletes the group.
   * @param options - `value` is the serde of the aggregate; `store` names the store and its changelog.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`
   * @see Kafka Streams `KGroupedTable#aggregate`
   * @example
   * ```ts
   * builder
   *   .table('users', { key: string(), value: json<{ city: string }>() })
   *   .groupBy((user, { city }) => [city, user], { key: string(), value: string() })
   *   .aggregate(
   *     (): string[] => [],
   *     (_city, user, users) => [...users, user],
   *     (_city, user, users) => users.filter(other => other !== user),
   *     { value: json<string[]>() }
   *   )
   *   .toStream()
   *   .to('users-of-city')
   * ```
   * ```text
   * users alice:{"city":"Rome"}@0 → users-of-city Rome:["alice"]@0
   * users bob:{"city":"Rome"}@5s → users-of-city Rome:["alice","bob"]@5s
   * users alice:{"city":"Bern"}@9s → users-of-city Rome:["bob"]@9s Bern:["alice"]@9s
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    adder: Aggregator<K, V, A>,
    subtractor: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>
  ): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(tableAggregate(this.#handle, initializer, adder, subtractor, options))
  }
}
