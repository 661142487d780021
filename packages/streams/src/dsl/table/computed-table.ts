import type { Change, Processor, ProcessorContext, StreamRecord, ValueAndTimestamp } from '../../core/index.ts'
import { ChangeForwarder } from './change-forwarder.ts'
import { storeReader } from './store-reader.ts'
import { openTableStore, type TableStore } from './table-store.ts'
import type { TableReader, TableReaderSupplier, TableView } from './table-view.ts'

/** Makes the rows of one table of those of another: what a filter, a mapper and a transformer have in common. */
export interface RowFunction<K, V, VR> {
  /** @param isLookup - it serves another node, which looks rows up: the record in work is not the row's. */
  init?(context: ProcessorContext<any, any>, isLookup: boolean): void
  /** The value is null for a row that was deleted, or that does not exist. */
  compute(key: K, value: V | null): VR | null
  close?(): void
}

export interface ComputedTable<K, V, VR> {
  readonly parent: TableView<K, V>
  /** Called for each processor, and for each reader of a table without a store. */
  open(): RowFunction<K, V, VR>
  /** Stores that the function uses. */
  readonly usedStores: readonly string[]
  readonly storeName: string | undefined
  /** Of its own store. */
  readonly historyRetentionMs: number | undefined
  /** Where the parent has old values anyway, they spare deletions of rows that never were there. */
  readonly skipsUnknown: boolean
}

/**
 * A table that is computed from its parent. It may have a store of its own; without one, a look-up goes to the parent.
 *
 * @see Kafka Streams `KTableProcessorSupplier`
 */
export class ComputedTableView<K, V, VR> implements TableView<K, VR> {
  readonly #table: ComputedTable<K, V, VR>
  #sendsOldValues: boolean

  constructor(table: ComputedTable<K, V, VR>) {
    this.#table = table
    this.#sendsOldValues = table.skipsUnknown && table.parent.sendOldValues(false)
  }

  /** A store of its own keeps no history unless it is told to, whatever the parent does. */
  get isVersioned(): boolean {
    return this.historyRetentionMs !== undefined
  }

  get historyRetentionMs(): number | undefined {
    const { storeName, parent, historyRetentionMs } = this.#table
    return storeName === undefined ? parent.historyRetentionMs : historyRetentionMs
  }

  reader(): TableReaderSupplier<K, VR> {
    const { storeName, parent, usedStores } = this.#table
    if (storeName !== undefined) return storeReader(storeName)
    const rows = parent.reader()
    return {
      stores: [...new Set([...rows.stores, ...usedStores])],
      create: () => new ComputedReader(rows.create(), this.#table.open())
    }
  }

  sendOldValues(force: boolean): boolean {
    if (this.#table.storeName !== undefined || this.#table.parent.sendOldValues(force)) this.#sendsOldValues = true
    return this.#sendsOldValues
  }

  createProcessor(): Processor<K, Change<V>, K, Change<VR>> {
    const { storeName, skipsUnknown, parent } = this.#table
    const sendsOldValues = this.#sendsOldValues
    return new ComputedTableProcessor(this.#table.open(), {
      storeName,
      sendsOldValues,
      skipsUnknown: skipsUnknown && sendsOldValues && parent.isVersioned !== true
    })
  }
}

/** A row that does not exist has no time. */
const NO_TIME = -1

class ComputedReader<K, V, VR> implements TableReader<K, VR> {
  private readonly parent: TableReader<K, V>
  private readonly rows: RowFunction<K, V, VR>

  constructor(parent: TableReader<K, V>, rows: RowFunction<K, V, VR>) {
    this.parent = parent
    this.rows = rows
  }

  init(context: ProcessorContext<any, any>): void {
    this.parent.init(context)
    this.rows.init?.(context, true)
  }

  get(key: K): ValueAndTimestamp<VR> | undefined {
    return this.computed(key, this.parent.get(key))
  }

  getForwarded(key: K): ValueAndTimestamp<VR> | undefined {
    return this.computed(key, this.parent.getForwarded(key))
  }

  getAsOf(key: K, asOfMs: number): ValueAndTimestamp<VR> | undefined {
    return this.computed(key, this.parent.getAsOf?.(key, asOfMs))
  }

  close(): void {
    this.parent.close?.()
    this.rows.close?.()
  }

  private computed(key: K, row: ValueAndTimestamp<V> | undefined): ValueAndTimestamp<VR> | undefined {
    const value = this.rows.compute(key, row === undefined ? null : row.value)
    return value === null ? undefined : { value, timestampMs: row === undefined ? NO_TIME : row.timestampMs }
  }
}

interface ComputedTableOptions {
  readonly storeName: string | undefined
  readonly sendsOldValues: boolean
  /** Deletions of rows that never were. A versioned table has to know them: they may end a version that was. */
  readonly skipsUnknown: boolean
}

class ComputedTableProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  private readonly rows: RowFunction<K, V, VR>
  private readonly storeName: string | undefined
  private readonly sendsOldValues: boolean
  private readonly skipsUnknown: boolean
  private context!: ProcessorContext<K, Change<VR>>
  private store: TableStore<K, VR> | undefined
  private forwarder!: ChangeForwarder<K, VR>

  constructor(rows: RowFunction<K, V, VR>, { storeName, sendsOldValues, skipsUnknown }: ComputedTableOptions) {
    this.rows = rows
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
    this.skipsUnknown = skipsUnknown
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.context = context
    this.rows.init?.(context, false)
    if (this.storeName === undefined) return
    this.store = openTableStore<K, VR>(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record
    const after = this.rows.compute(key, change.after)
    const before = this.sendsOldValues ? this.valueBefore(key, change) : null
    if (this.skipsUnknown && before === null && after === null) return
    if (this.store === undefined) {
      this.context.forward({ key, value: { before, after, isLatest: change.isLatest }, timestampMs, headers })
    } else {
      const put = this.store.put(key, after, timestampMs, headers)
      this.forwarder.forwardPut(key, before, after, timestampMs, headers, put)
    }
  }

  close(): void {
    this.rows.close?.()
  }

  private valueBefore(key: K, change: Change<V>): VR | null {
    return this.store === undefined ? this.rows.compute(key, change.before) : (this.store.get(key)?.value ?? null)
  }
}
