import type { Change, Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { ChangeForwarder } from './change-forwarder.ts'
import { storeReader } from './store-reader.ts'
import { openTableStore, type TableStore } from './table-store.ts'
import type { TableReaderSupplier, TableView } from './table-view.ts'

/**
 * A table made of a topic or a stream. It gets a store when it is named, or when something below has to read it or to know
 * old values; while the topology is being built, that may still change.
 *
 * @see Kafka Streams `KTableSource`
 */
export class TableSourceView<K, V> implements TableView<K, V> {
  readonly #storeName: string
  readonly historyRetentionMs: number | undefined
  isStored: boolean
  sendsOldValues = false

  /** @param historyRetentionMs - keeps past versions for so long; such a table is always stored. */
  constructor(storeName: string, isStored: boolean, historyRetentionMs?: number) {
    this.#storeName = storeName
    this.historyRetentionMs = historyRetentionMs
    this.isStored = isStored || historyRetentionMs !== undefined
  }

  get isVersioned(): boolean {
    return this.historyRetentionMs !== undefined
  }

  reader(): TableReaderSupplier<K, V> {
    this.isStored = true
    return storeReader(this.#storeName)
  }

  sendOldValues(force: boolean): boolean {
    if (!force && !this.isStored) return false
    this.isStored = true
    this.sendsOldValues = true
    return true
  }

  createProcessor(): Processor<K, V, K, Change<V>> {
    return this.isStored
      ? new StoredSourceProcessor<K, V>(this.#storeName, this.sendsOldValues)
      : new UnstoredSourceProcessor<K, V>()
  }
}

class StoredSourceProcessor<K, V> implements Processor<K, V, K, Change<V>> {
  private readonly storeName: string
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<V>>
  private store!: TableStore<K, V>
  private forwarder!: ChangeForwarder<K, V>

  constructor(storeName: string, sendsOldValues: boolean) {
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.context = context
    this.store = openTableStore(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs, headers } = record
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    // Out-of-order updates are stored and forwarded too: the table holds what came last, as in Kafka Streams.
    const before = this.forwarder.needsOldValues ? (this.store.get(key)?.value ?? null) : null
    const put = this.store.put(key, value, timestampMs, headers)
    this.forwarder.forwardPut(key, before, value, timestampMs, headers, put)
  }
}

class UnstoredSourceProcessor<K, V> implements Processor<K, V, K, Change<V>> {
  private context!: ProcessorContext<K, Change<V>>

  init(context: ProcessorContext<K, Change<V>>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs, headers } = record
    if (key === null) this.context.drop('null-key')
    else this.context.forward({ key, value: { before: null, after: value, isLatest: true }, timestampMs, headers })
  }
}
