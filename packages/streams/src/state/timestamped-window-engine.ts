import type {
  FlushListener,
  Headers,
  KeyValueRow,
  StoreCursor,
  TimestampedWindowStore,
  ValueAndTimestamp,
  Windowed,
  WindowRow
} from '../core/index.ts'
import { latin1Bytes, latin1Of, latin1OfRange, writeLatin1 } from './latin1.ts'
import { readInteger, writeInteger } from './raw-layout.ts'
import type { Entry, Row } from './row.ts'
import type { RowTable } from './row-table.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreEngine, WindowProgress } from './store-engine.ts'

const MIN_BUCKET_MS = 60_000
const BUCKET_BYTES = 8
const START_BYTES = 8
const SEQUENCE_BYTES = 4

/** How long a time bucket is: Kafka Streams' segment interval. */
export function windowBucketMs(retentionMs: number): number {
  return Math.max(Math.floor(retentionMs / 2), MIN_BUCKET_MS)
}

/** The changelog key of a window row: Kafka Streams' WindowKeySchema, key start:i64 sequence:i32. */
export function windowChangelogKey(rowKey: string): Uint8Array {
  const bytes = Buffer.alloc(rowKey.length - BUCKET_BYTES + SEQUENCE_BYTES)
  writeLatin1(bytes, rowKey.slice(BUCKET_BYTES), 0)
  return bytes
}

/**
 * Row key: bucket:i64 key start:i64. The time bucket comes first, so that what expires lies together and one key's
 * windows are one short range in each bucket.
 */
export class TimestampedWindowEngine<K, V> implements StoreEngine, TimestampedWindowStore<K, V> {
  readonly name: string
  readonly table: RowTable
  readonly windowSizeMs: number
  readonly retentionMs: number
  readonly windows: WindowProgress
  private readonly codec: StoreCodec<K, V>
  private readonly bucketMs: number
  readonly store = this
  private scratch = Buffer.allocUnsafe(256)
  private lastKey: unknown = undefined
  private lastStartMs = -1
  private lastEntry: Entry | undefined = undefined

  constructor(
    name: string,
    table: RowTable,
    codec: StoreCodec<K, V>,
    windows: WindowProgress,
    windowSizeMs: number,
    retentionMs: number
  ) {
    this.name = name
    this.table = table
    this.codec = codec
    this.windows = windows
    this.windowSizeMs = windowSizeMs
    this.retentionMs = retentionMs
    this.bucketMs = windowBucketMs(retentionMs)
  }

  fetchOne(key: K, windowStartMs: number): ValueAndTimestamp<V> | undefined {
    if (windowStartMs < this.windows.liveFromMs) return undefined
    const row = this.table.read(this.entryOf(key, windowStartMs))
    return row === undefined ? undefined : this.rowValue(row)
  }

  put(key: K, value: V | null, windowStartMs: number, timestampMs: number, headers: Headers): void {
    if (windowStartMs < this.windows.liveFromMs) return
    const entry = this.entryOf(key, windowStartMs)
    this.table.write(entry, undefined, value, timestampMs, headers)
    // Only now: a value that cannot be written must not make others expire.
    this.windows.observe(windowStartMs)
  }

  fetchRange(_key: K, _fromMs: number, _toMs: number): readonly WindowRow<ValueAndTimestamp<V>>[] {
    throw new Error(`Store '${this.name}' cannot be read in order yet.`)
  }

  windowsByTime(_fromMs: number, _toMs: number): StoreCursor<Windowed<K>, ValueAndTimestamp<V>> {
    throw new Error(`Store '${this.name}' cannot be read in order yet.`)
  }

  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean {
    return this.table.onFlush((rowKey, before, after) => {
      const change = {
        before: before === undefined ? null : (this.table.valueOf(before) as V),
        after: after.deleted ? null : (this.table.valueOf(after) as V),
        isLatest: true
      }
      listener(this.windowedOf(rowKey), change, after.timestampMs, after.headers)
    }, sendOldValues)
  }

  async *fetch(
    key: K,
    fromMs: number,
    toMs: number
  ): AsyncGenerator<{ readonly windowStartMs: number; readonly value: ValueAndTimestamp<V> }> {
    const keyText = latin1Of(this.codec.encodeKey(key))
    const rowKeyLength = BUCKET_BYTES + keyText.length + START_BYTES
    for (const [bucket, from, to] of this.buckets(fromMs, toMs)) {
      const prefix = integerText(bucket) + keyText
      const end = `${prefix + integerText(to)}\0`
      for await (const [rowKey, row] of this.table.scan(prefix + integerText(from), end)) {
        // Longer keys that begin with this one may lie between its windows.
        if (rowKey.length !== rowKeyLength || row.deleted) continue
        const windowStartMs = startOf(rowKey)
        if (windowStartMs >= this.windows.liveFromMs) yield { windowStartMs, value: this.rowValue(row) }
      }
    }
  }

  async *fetchAll(fromMs: number, toMs: number): AsyncGenerator<KeyValueRow<Windowed<K>, ValueAndTimestamp<V>>> {
    for (const [bucket] of this.buckets(fromMs, toMs)) {
      for await (const [rowKey, row] of this.table.scan(integerText(bucket), integerText(bucket + 1))) {
        const windowStartMs = startOf(rowKey)
        if (row.deleted || windowStartMs < Math.max(fromMs, this.windows.liveFromMs) || windowStartMs > toMs) continue
        yield { key: this.windowedOf(rowKey), value: this.rowValue(row) }
      }
    }
  }

  all(): AsyncIterable<KeyValueRow<Windowed<K>, ValueAndTimestamp<V>>> {
    return this.fetchAll(0, Number.MAX_SAFE_INTEGER)
  }

  rowKeyOfChangelog(key: Uint8Array): string | undefined {
    const startAt = key.length - SEQUENCE_BYTES - START_BYTES
    const windowStartMs = readInteger(key, startAt)
    if (windowStartMs < this.windows.liveFromMs) return undefined
    this.windows.observe(windowStartMs)
    return integerText(this.bucketOf(windowStartMs)) + latin1Of(key).slice(0, startAt + START_BYTES)
  }

  private bucketOf(windowStartMs: number): number {
    return Math.floor(windowStartMs / this.bucketMs)
  }

  /** Live buckets that [fromMs, toMs] touches, with the part of it that may hold rows. */
  private *buckets(fromMs: number, toMs: number): Iterable<readonly [bucket: number, fromMs: number, toMs: number]> {
    const from = Math.max(fromMs, this.windows.liveFromMs)
    const to = Math.min(toMs, this.windows.observedMs)
    if (from > to) return
    const last = this.bucketOf(to)
    for (let bucket = this.bucketOf(from); bucket <= last; bucket++) yield [bucket, from, to]
  }

  private entryOf(key: K, windowStartMs: number): Entry {
    const last = this.lastEntry
    if (
      last !== undefined &&
      windowStartMs === this.lastStartMs &&
      key === this.lastKey &&
      !last.dropped &&
      (key as unknown) !== 0
    ) {
      return last
    }
    const keyBytes = this.codec.encodeKey(key)
    const length = BUCKET_BYTES + keyBytes.length + START_BYTES
    if (this.scratch.length < length) this.scratch = Buffer.allocUnsafe(2 * length)
    const { scratch } = this
    writeInteger(scratch, 0, this.bucketOf(windowStartMs))
    scratch.set(keyBytes, BUCKET_BYTES)
    writeInteger(scratch, length - START_BYTES, windowStartMs)
    const entry = this.table.entryOf(latin1OfRange(scratch, 0, length))
    if (typeof key === 'object') this.lastEntry = undefined
    else {
      this.lastKey = key
      this.lastStartMs = windowStartMs
      this.lastEntry = entry
    }
    return entry
  }

  private windowedOf(rowKey: string): Windowed<K> {
    const startMs = startOf(rowKey)
    const key = this.codec.decodeKey(rowKey, BUCKET_BYTES, rowKey.length - START_BYTES)
    return { key, startMs, endMs: startMs + this.windowSizeMs }
  }

  private rowValue(row: Row): ValueAndTimestamp<V> {
    return { value: this.table.valueOf(row) as V, timestampMs: row.timestampMs }
  }
}

/** The number of the bucket in which a row lies. */
export function bucketOfRow(rowKey: string): number {
  return readInteger(latin1Bytes(rowKey.slice(0, BUCKET_BYTES)), 0)
}

/** What the rows of buckets below `bucket` come before. */
export function bucketText(bucket: number): string {
  return integerText(bucket)
}

function startOf(rowKey: string): number {
  return readInteger(latin1Bytes(rowKey.slice(-START_BYTES)), 0)
}

function integerText(value: number): string {
  const bytes = Buffer.allocUnsafe(8)
  writeInteger(bytes, 0, value)
  return latin1Of(bytes)
}
