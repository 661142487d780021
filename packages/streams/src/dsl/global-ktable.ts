import { StreamsError } from '../core/index.ts'
import type { KeyValueHandle } from './operators/aggregate.ts'
import type { GlobalTableHandle } from './operators/global-table.ts'

/**
 * A table that every instance holds as a whole. Streams are joined with it by any key they can compute; processors read
 * its store without being connected to it.
 *
 * @see Kafka Streams `GlobalKTable`
 */
export class GlobalKTable<K, V> {
  readonly #handle: GlobalTableHandle<K, V>

  constructor(handle: GlobalTableHandle<K, V>) {
    this.#handle = handle
  }

  /**
   * The handle by which the table is queried: `app.store(table.queryableStore)`. Every instance answers for all keys.
   *
   * @throws StreamsError `STORE_NOT_FOUND` when the table was not given a store name
   * @see Kafka Streams `GlobalKTable#queryableStoreName`
   * @example
   * ```ts
   * const airports = builder.globalTable('airports', { key: string(), value: string(), store: 'airports' })
   * console.log(airports.queryableStore.name)
   * ```
   * ```text
   * build → log airports
   * airports FRA:Frankfurt@0 →
   * ```
   */
  get queryableStore(): KeyValueHandle<K, V> {
    const { store, nodeName } = this.#handle
    if (store !== undefined) return store
    throw new StreamsError(
      'STORE_NOT_FOUND',
      `The global table of node '${nodeName}' has no store that can be queried. Name one where the table is made: { store: 'name' }.`,
      { details: { node: nodeName } }
    )
  }

  /** What operators of the DSL take when this table is their second input. */
  static handleOf<K, V>(table: GlobalKTable<K, V>): GlobalTableHandle<K, V> {
    return table.#handle
  }
}
