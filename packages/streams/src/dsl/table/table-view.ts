import type { ProcessorContext, ValueAndTimestamp } from '../../core/index.ts'

/**
 * How others read a table, stored or not: a table without a store is computed from its parents at each look-up.
 *
 * @see Kafka Streams `KTableValueGetterSupplier`, `KTableImpl#enableSendingOldValues`
 */
export interface TableView<K, V> {
  /** Called while building. A table read from a topic gets a store by this, if it has none. */
  reader(): TableReaderSupplier<K, V>
  /**
   * Called while building, by what needs each change to carry the value before it. Returns whether it will.
   *
   * @param force - give the source a store if that takes one; otherwise only say whether it is so already.
   */
  sendOldValues(force: boolean): boolean
  /** Its changes tell which are out of order (`isLatest`); most operators below skip those. Absent: no. */
  readonly isVersioned?: boolean
  /** Of a versioned table: how far back it can be read. */
  readonly historyRetentionMs?: number | undefined
}

export interface TableReaderSupplier<K, V> {
  /** What a node that reads must be connected to. */
  readonly stores: readonly string[]
  create(): TableReader<K, V>
}

/** Belongs to one processor. */
export interface TableReader<K, V> {
  init(context: ProcessorContext<any, any>): void
  get(key: K): ValueAndTimestamp<V> | undefined
  /** The row that went with the last change this table forwarded: `get` may be ahead of it when there is a cache. */
  getForwarded(key: K): ValueAndTimestamp<V> | undefined
  /** The row that was valid at a time. Only where the view says `isVersioned`. */
  getAsOf?(key: K, asOfMs: number): ValueAndTimestamp<V> | undefined
  /** Called when its processor is closed. Absent: there is nothing to close. */
  close?(): void
}
