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

  /** Counts the rows of each group. Default value serde: `int64()`. */
  count(options: MaterializedOptions<K, number> = {}): KTable<K, number, KeyValueHandle<K, number>> {
    return this.#facades.table(tableCount(this.#handle, options))
  }

  /** Combines the rows of each group: new ones are added, old ones subtracted. */
  reduce(
    adder: (aggregate: V, value: V) => V | null,
    subtractor: (aggregate: V, value: V) => V | null,
    options: MaterializedOptions<K, V> = {}
  ): KTable<K, V, KeyValueHandle<K, V>> {
    return this.#facades.table(tableReduce(this.#handle, adder, subtractor, options))
  }

  /** Combines the rows of each group into an aggregate, whose serde is `value`: new rows are added, old ones subtracted. */
  aggregate<A>(
    initializer: () => A,
    adder: Aggregator<K, V, A>,
    subtractor: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>
  ): KTable<K, A, KeyValueHandle<K, A>> {
    return this.#facades.table(tableAggregate(this.#handle, initializer, adder, subtractor, options))
  }
}
