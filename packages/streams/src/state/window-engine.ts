import {
  type FlushListener,
  type Headers,
  type KeyValueRow,
  NO_HEADERS,
  type StoreCursor,
  type TimestampedWindowStore,
  type ValueAndTimestamp,
  type Windowed,
  type WindowRow,
  type WindowStore
} from '../core/index.ts'
import { integerIn, integerText } from './big-endian-text.ts'
import type { ItemTable } from './item-table.ts'
import { latin1Bytes, latin1Of } from './latin1.ts'
import type { Entry, Row, TimestampedRow } from './row.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreEngine, WindowProgress } from './store-engine.ts'
import { keyTextOf, TimeBucketEngine } from './time-bucket-engine.ts'

export const START_BYTES = 8
/** Ends the key of an item that may have duplicates, and every changelog key. */
const SEQUENCE_BYTES = 4

export interface WindowEngineOptions<K, V> {
  readonly name: string
  readonly table: ItemTable
  readonly codec: StoreCodec<K, V>
  readonly windows: WindowProgress
  readonly windowSizeMs: number
  readonly retentionMs: number
  readonly timeOrdered: boolean
}

/** Item key: start:i64. Changelog key: Kafka Streams' WindowKeySchema, key start:i64 sequence:i32. */
abstract class WindowEngine<K, V, R> extends TimeBucketEngine<K, V> {
  readonly windowSizeMs: number
  protected readonly itemKeyLength: number = START_BYTES

  constructor(options: WindowEngineOptions<K, V>) {
    super(options.name, options.table, options.codec, options.windows, options.retentionMs, options.timeOrdered)
    this.windowSizeMs = options.windowSizeMs
  }

  protected abstract rowValue(row: Row): R

  fetchOne(key: K, windowStartMs: number): R | undefined {
    if (windowStartMs < this.windows.liveFromMs) return undefined
    const row = this.table.read(this.rootFor(key, windowStartMs), integerText(windowStartMs))
    return row === undefined ? undefined : this.rowValue(row)
  }

  getForwarded(key: K, windowStartMs: number): R | undefined {
    if (!this.table.isReadLate) return this.fetchOne(key, windowStartMs)
    if (windowStartMs < this.windows.committedLiveFromMs) return undefined
    const row = this.table.readForwarded(this.rootFor(key, windowStartMs), integerText(windowStartMs))
    return row === undefined ? undefined : this.rowValue(row)
  }

  fetchRange(key: K, fromMs: number, toMs: number): readonly WindowRow<R>[] {
    this.collect(key, fromMs, toMs)
    const { foundKeys, foundRows } = this
    const windows: WindowRow<R>[] = []
    for (let i = 0; i < foundKeys.length; i++) {
      windows.push({
        windowStartMs: integerIn(foundKeys[i] as string, 0),
        value: this.rowValue(foundRows[i] as Row)
      })
    }
    return windows
  }

  async *fetch(key: K, fromMs: number, toMs: number): AsyncGenerator<WindowRow<R>> {
    for (const row of this.fetchRange(key, fromMs, toMs)) {
      if (row.windowStartMs >= this.windows.liveFromMs) yield row
    }
  }

  fetchAll(fromMs: number, toMs: number): AsyncGenerator<KeyValueRow<Windowed<K>, R>> {
    return this.scan(fromMs, toMs, row => this.rowValue(row))
  }

  all(): AsyncIterable<KeyValueRow<Windowed<K>, R>> {
    return this.fetchAll(0, Number.MAX_SAFE_INTEGER)
  }

  windowsByTime(fromMs: number, toMs: number): StoreCursor<Windowed<K>, R> {
    return this.byTime(Math.max(fromMs, this.windows.liveFromMs), toMs, row => this.rowValue(row))
  }

  restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    const key = latin1Of(changelogKey)
    const startAt = key.length - SEQUENCE_BYTES - START_BYTES
    const windowStartMs = integerIn(key, startAt)
    if (windowStartMs < this.windows.liveFromMs) return
    this.windows.observe(windowStartMs)
    const rootKey = this.rootKeyOf(key.slice(0, startAt), windowStartMs)
    this.table.restore(rootKey, key.slice(startAt, startAt + this.itemKeyLength), value, timestampMs)
  }

  protected write(key: K, value: V | null, windowStartMs: number, timestampMs: number, headers: Headers): boolean {
    if (windowStartMs < this.windows.liveFromMs) {
      if (this.table.isCached) {
        const rootKey = this.rootKeyOf(latin1Of(this.codec.encodeKey(key)), windowStartMs)
        this.table.flushHeld(rootKey, integerText(windowStartMs))
      }
      return false
    }
    const root = this.rootFor(key, windowStartMs)
    this.table.write(root, this.itemKeyFor(root, windowStartMs), value, timestampMs, headers)
    // Only now: a value that cannot be written must not make others expire.
    this.windows.observe(windowStartMs)
    return true
  }

  protected itemKeyFor(_root: Entry, windowStartMs: number): string {
    return integerText(windowStartMs)
  }

  protected windowedOf(keyText: string, itemKey: string): Windowed<K> {
    const startMs = integerIn(itemKey, 0)
    const key = this.codec.decodeKey(keyText, 0, keyText.length)
    return { key, startMs, endMs: startMs + this.windowSizeMs }
  }
}

/** The store behind time and sliding window aggregations. */
export class TimestampedWindowEngine<K, V>
  extends WindowEngine<K, V, ValueAndTimestamp<V>>
  implements StoreEngine, TimestampedWindowStore<K, V>
{
  readonly store = this

  put(key: K, value: V | null, windowStartMs: number, timestampMs: number, headers: Headers): boolean {
    return this.write(key, value, windowStartMs, timestampMs, headers)
  }

  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean {
    return this.table.onFlush((key, before, after) => {
      const change = {
        before: before === undefined ? null : (this.table.valueOf(before) as V),
        after: after.deleted ? null : (this.table.valueOf(after) as V),
        isLatest: true
      }
      const split = key.length - START_BYTES
      listener(
        this.windowedOf(keyTextOf(key.slice(0, split)), key.slice(split)),
        change,
        after.timestampMs,
        after.headers
      )
    }, sendOldValues)
  }

  protected rowValue(row: Row): ValueAndTimestamp<V> {
    return { value: this.table.valueOf(row) as V, timestampMs: (row as TimestampedRow).timestampMs }
  }
}

/** Windows without timestamps; the changelog record takes the time of the record in work. */
export class PlainWindowEngine<K, V> extends WindowEngine<K, V, V> implements StoreEngine, WindowStore<K, V> {
  readonly store = this
  private readonly recordTimestampMs: () => number

  constructor(options: WindowEngineOptions<K, V>, recordTimestampMs: () => number) {
    super(options)
    this.recordTimestampMs = recordTimestampMs
  }

  put(key: K, value: V | null, windowStartMs: number): void {
    this.write(key, value, windowStartMs, this.recordTimestampMs(), NO_HEADERS)
  }

  protected rowValue(row: Row): V {
    return this.table.valueOf(row) as V
  }
}

/** Item key: start:i64 sequence:i32, so that entries of equal key and start stay apart. */
export class DuplicatesWindowEngine<K, V> extends PlainWindowEngine<K, V> {
  protected override readonly itemKeyLength = START_BYTES + SEQUENCE_BYTES

  override put(key: K, value: V | null, windowStartMs: number): void {
    if (value !== null && value !== undefined) super.put(key, value, windowStartMs)
  }

  override fetchOne(key: K, windowStartMs: number): V | undefined {
    return this.fetchRange(key, windowStartMs, windowStartMs)[0]?.value
  }

  /** The next sequence is read off the store, so it goes on after a restart. */
  protected override itemKeyFor(root: Entry, windowStartMs: number): string {
    const start = integerText(windowStartMs)
    const last = this.table.tree.floor(root, `${start}\xff\xff\xff\xff`)
    const { floorKey } = this.table.tree
    const isDuplicate = last !== undefined && floorKey.startsWith(start)
    return start + sequenceText(isDuplicate ? sequenceIn(floorKey) + 1 : 0)
  }
}

/** The changelog key of an item: sequence 0 where items have none. */
export function windowChangelogKey(keyText: string, itemKey: string): Uint8Array {
  return latin1Bytes(keyText + itemKey + (itemKey.length === START_BYTES ? NO_SEQUENCE : ''))
}

const NO_SEQUENCE = '\0\0\0\0'

function sequenceText(sequence: number): string {
  return String.fromCharCode(sequence >>> 24, (sequence >>> 16) & 0xff, (sequence >>> 8) & 0xff, sequence & 0xff)
}

function sequenceIn(itemKey: string): number {
  return (
    ((itemKey.charCodeAt(START_BYTES) << 24) |
      (itemKey.charCodeAt(START_BYTES + 1) << 16) |
      (itemKey.charCodeAt(START_BYTES + 2) << 8) |
      itemKey.charCodeAt(START_BYTES + 3)) >>>
    0
  )
}
