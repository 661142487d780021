import type {
  FlushListener,
  Headers,
  ProcessorContext,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
  VersionedKeyValueStore
} from '../../core/index.ts'

/**
 * The store of a table, with or without history.
 *
 * @see Kafka Streams `KeyValueStoreWrapper`
 */
export interface TableStore<K, V> {
  readonly name: string
  /** The latest row. */
  get(key: K): ValueAndTimestamp<V> | undefined
  getForwarded(key: K): ValueAndTimestamp<V> | undefined
  /** Only with history: `VERSION_IS_LATEST`, `VERSION_NOT_PUT`, or the time at which the version ends. */
  put(key: K, value: V | null, timestampMs: number, headers: Headers): number | void
  onFlush(listener: FlushListener<K, V>, sendOldValues: boolean): boolean
}

export function openTableStore<K, V>(context: ProcessorContext<any, any>, name: string): TableStore<K, V> {
  const store = context.getStateStore<TimestampedKeyValueStore<K, V> | VersionedKeyValueStore<K, V>>(name)
  return 'historyRetentionMs' in store ? new VersionedTableStore(store) : store
}

class VersionedTableStore<K, V> implements TableStore<K, V> {
  readonly name: string
  private readonly store: VersionedKeyValueStore<K, V>

  constructor(store: VersionedKeyValueStore<K, V>) {
    this.name = store.name
    this.store = store
  }

  get(key: K): ValueAndTimestamp<V> | undefined {
    return this.store.get(key)
  }

  getForwarded(key: K): ValueAndTimestamp<V> | undefined {
    return this.store.get(key)
  }

  put(key: K, value: V | null, timestampMs: number): number {
    return this.store.put(key, value, timestampMs)
  }

  /** It has no cache, which would lose the versions between two flushes. */
  onFlush(): boolean {
    return false
  }
}
