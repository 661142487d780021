import type {
  ProcessorContext,
  SessionStore,
  TimestampedWindowStore,
  ValueAndTimestamp,
  VersionedKeyValueStore,
  Windowed
} from '../../core/index.ts'
import { openTableStore, type TableStore } from './table-store.ts'
import type { TableReader, TableReaderSupplier } from './table-view.ts'

/** Reads a table from its store. */
export function storeReader<K, V>(storeName: string): TableReaderSupplier<K, V> {
  return { stores: [storeName], create: () => new StoreReader<K, V>(storeName) }
}

/** Reads a table of windows from its store. */
export function windowStoreReader<K, V>(storeName: string): TableReaderSupplier<Windowed<K>, V> {
  return { stores: [storeName], create: () => new WindowStoreReader<K, V>(storeName) }
}

/** Reads a table of sessions from its store, which keeps no timestamps: that of a session is its end. */
export function sessionStoreReader<K, V>(storeName: string): TableReaderSupplier<Windowed<K>, V> {
  return { stores: [storeName], create: () => new SessionStoreReader<K, V>(storeName) }
}

class StoreReader<K, V> implements TableReader<K, V> {
  readonly #storeName: string
  private store!: TableStore<K, V>
  private versions: VersionedKeyValueStore<K, V> | undefined

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext<any, any>): void {
    this.store = openTableStore(context, this.#storeName)
    this.versions = context.getStateStore(this.#storeName)
  }

  get(key: K): ValueAndTimestamp<V> | undefined {
    return this.store.get(key)
  }

  getForwarded(key: K): ValueAndTimestamp<V> | undefined {
    return this.store.getForwarded(key)
  }

  getAsOf(key: K, asOfMs: number): ValueAndTimestamp<V> | undefined {
    return this.versions?.getAsOf(key, asOfMs)
  }
}

class WindowStoreReader<K, V> implements TableReader<Windowed<K>, V> {
  readonly #storeName: string
  private store!: TimestampedWindowStore<K, V>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext<any, any>): void {
    this.store = context.getStateStore(this.#storeName)
  }

  get(windowed: Windowed<K>): ValueAndTimestamp<V> | undefined {
    return this.store.fetchOne(windowed.key, windowed.startMs)
  }

  getForwarded(windowed: Windowed<K>): ValueAndTimestamp<V> | undefined {
    return this.store.getForwarded(windowed.key, windowed.startMs)
  }
}

class SessionStoreReader<K, V> implements TableReader<Windowed<K>, V> {
  readonly #storeName: string
  private store!: SessionStore<K, V>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext<any, any>): void {
    this.store = context.getStateStore(this.#storeName)
  }

  get({ key, startMs, endMs }: Windowed<K>): ValueAndTimestamp<V> | undefined {
    const value = this.store.fetchSession(key, startMs, endMs)
    return value === undefined ? undefined : { value, timestampMs: endMs }
  }

  getForwarded({ key, startMs, endMs }: Windowed<K>): ValueAndTimestamp<V> | undefined {
    const value = this.store.getForwarded(key, startMs, endMs)
    return value === undefined ? undefined : { value, timestampMs: endMs }
  }
}
