import type { Change, Processor, ProcessorContext, StreamRecord, TimestampedKeyValueStore } from '../../core/index.ts'
import { ChangeForwarder } from './change-forwarder.ts'
import { storeReader } from './store-reader.ts'
import type { TableReaderSupplier, TableView } from './table-view.ts'

/**
 * A table made of a topic or a stream. It gets a store when it is named, or when something below has to read it or to know
 * old values; while the topology is being built, that may still change.
 *
 * @see Kafka Streams `KTableSource`
 */
export class TableSourceView<K, V> implements TableView<K, V> {
  readonly #storeName: string
  isStored: boolean
  sendsOldValues = false

  constructor(storeName: string, isStored: boolean) {
    this.#storeName = storeName
    this.isStored = isStored
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
  private store!: TimestampedKeyValueStore<K, V>
  private forwarder!: ChangeForwarder<K, V>

  constructor(storeName: string, sendsOldValues: boolean) {
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
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
    this.store.put(key, value, timestampMs, headers)
    this.forwarder.forward(key, before, value, timestampMs, headers)
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
