import {
  type FlushListener,
  type Headers,
  type KeyValueRow,
  type KeyValueStore,
  NO_HEADERS,
  type TimestampedKeyValueStore,
  type ValueAndTimestamp
} from '../core/index.ts'
import { latin1Of } from './latin1.ts'
import type { Entry, Row, TimestampedRow } from './row.ts'
import type { RowTable } from './row-table.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreEngine } from './store-engine.ts'

/** Keys that may not fit take bytes of their own: texts from a third of it on. */
const KEY_BUFFER_BYTES = 512

/** Row key: the key's bytes. */
abstract class KeyedRows<K, V> implements StoreEngine {
  readonly name: string
  readonly table: RowTable
  readonly observed = undefined
  readonly windows = undefined
  readonly restoring = undefined
  protected readonly codec: StoreCodec<K, V>
  /** The key last looked up: a put mostly follows a get of the same key. Never an object, which may have changed. */
  private lastKey: unknown = undefined
  private lastEntry: Entry | undefined = undefined
  /** Undefined where its serde made none. */
  protected lastKeyBytes: Uint8Array | undefined = undefined
  private readonly keyBuffer = Buffer.allocUnsafeSlow(KEY_BUFFER_BYTES)

  constructor(name: string, table: RowTable, codec: StoreCodec<K, V>) {
    this.name = name
    this.table = table
    this.codec = codec
  }

  abstract readonly store: KeyValueStore<K, V> | TimestampedKeyValueStore<K, V>

  approximateNumEntries(): number {
    return this.table.approximateRowCount()
  }

  protected entryOf(key: K): Entry {
    const last = this.lastEntry
    // -0 and 0 may differ as bytes.
    if (last !== undefined && key === this.lastKey && !last.dropped && (key as unknown) !== 0) return last
    const end = this.codec.encodeKeyInto(key, this.keyBuffer, 0)
    const isInBuffer = typeof end === 'number'
    const entry = isInBuffer ? this.table.entryOfBytes(this.keyBuffer, end) : this.table.entryOfBytes(end, end.length)
    if (typeof key === 'object') this.lastEntry = undefined
    else {
      this.lastKey = key
      this.lastEntry = entry
    }
    this.lastKeyBytes = isInBuffer ? undefined : end
    return entry
  }

  protected async *rows<R>(
    from: K | undefined,
    to: K | undefined,
    valueOf: (row: Row) => R
  ): AsyncGenerator<KeyValueRow<K, R>> {
    const start = from === undefined ? '' : latin1Of(this.codec.encodeKey(from))
    const end = to === undefined ? undefined : `${latin1Of(this.codec.encodeKey(to))}\0`
    if (end !== undefined && start >= end) return
    for await (const [key, row] of this.table.scan(start, end)) {
      if (!row.deleted) yield { key: this.codec.decodeKey(key, 0, key.length), value: valueOf(row) }
    }
  }
}

/** Values without timestamps; the changelog record takes the time of the record in work. */
export class KeyValueEngine<K, V> extends KeyedRows<K, V> implements KeyValueStore<K, V> {
  private readonly recordTimestampMs: () => number
  readonly store = this

  constructor(name: string, table: RowTable, codec: StoreCodec<K, V>, recordTimestampMs: () => number) {
    super(name, table, codec)
    this.recordTimestampMs = recordTimestampMs
  }

  get(key: K): V | undefined {
    const row = this.table.read(this.entryOf(key))
    return row === undefined ? undefined : (this.table.valueOf(row) as V)
  }

  put(key: K, value: V | null): void {
    const entry = this.entryOf(key)
    this.table.write(entry, this.lastKeyBytes, value, this.recordTimestampMs(), NO_HEADERS)
  }

  range(from?: K, to?: K): AsyncIterable<KeyValueRow<K, V>> {
    return this.rows(from, to, row => this.table.valueOf(row) as V)
  }

  all(): AsyncIterable<KeyValueRow<K, V>> {
    return this.range()
  }
}

export class TimestampedKeyValueEngine<K, V> extends KeyedRows<K, V> implements TimestampedKeyValueStore<K, V> {
  readonly store = this

  get(key: K): ValueAndTimestamp<V> | undefined {
    const row = this.table.read(this.entryOf(key))
    return row === undefined ? undefined : this.rowValue(row)
  }

  getForwarded(key: K): ValueAndTimestamp<V> | undefined {
    const row = this.table.readForwarded(this.entryOf(key))
    return row === undefined ? undefined : this.rowValue(row)
  }

  put(key: K, value: V | null, timestampMs: number, headers: Headers): void {
    const entry = this.entryOf(key)
    this.table.write(entry, this.lastKeyBytes, value, timestampMs, headers)
  }

  onFlush(listener: FlushListener<K, V>, sendOldValues: boolean): boolean {
    return this.table.onFlush((key, before, after) => {
      const change = {
        before: before === undefined ? null : (this.table.valueOf(before) as V),
        after: after.deleted ? null : (this.table.valueOf(after) as V),
        isLatest: true
      }
      listener(this.codec.decodeKey(key, 0, key.length), change, after.timestampMs, after.headers)
    }, sendOldValues)
  }

  range(from?: K, to?: K): AsyncIterable<KeyValueRow<K, ValueAndTimestamp<V>>> {
    return this.rows(from, to, row => this.rowValue(row))
  }

  all(): AsyncIterable<KeyValueRow<K, ValueAndTimestamp<V>>> {
    return this.range()
  }

  private rowValue(row: Row): ValueAndTimestamp<V> {
    return { value: this.table.valueOf(row) as V, timestampMs: (row as TimestampedRow).timestampMs }
  }
}
