import { type Headers, NO_HEADERS } from '../core/index.ts'
import { ByteChunks, copyBytes, MAX_SHARED_BYTES } from './byte-chunks.ts'
import { ExactBuffers } from './exact-buffers.ts'
import { readInteger, writeInteger } from './raw-layout.ts'
import type { RecordCache, RecordCacheStore } from './record-cache.ts'
import { ReusedList } from './reused-list.ts'
import { CachedRow, type Entry, IN_CACHE_LIST, isKeepable, NOT_DECODED, Row, TimestampedRow } from './row.ts'
import type { ChangelogAppender } from './task-state.ts'
import { isIdle, VersionTable, type VersionTableOptions } from './version-table.ts'

export interface RowTableOptions extends VersionTableOptions {
  /** Rows begin with 8 bytes of timestamp. */
  readonly timestamped: boolean
  encodeValue(value: unknown): Uint8Array
  decodeValue(bytes: Uint8Array, offset: number, end: number): unknown
  /** The changelog's key bytes for a row key. */
  changelogKey(key: string): Uint8Array
  readonly changelog: ChangelogAppender | undefined
  /** Undefined: every write goes below at once. */
  readonly cache: RecordCache | undefined
  /** An update could not leave the cache; see `RecordCacheStore`. */
  readonly flushFailed: (error: unknown) => void
}

/** As many as a commit of a busy store may have. */
const MAX_SPARE_ROWS = 16_384

/** Called for each row that leaves the record cache, after it was written below. */
export type RowFlushListener = (key: string, before: Row | undefined, after: CachedRow) => void

/** The rows of one store, keyed by the bytes of the key: a record cache over the versions of a `VersionTable`. */
export class RowTable extends VersionTable implements RecordCacheStore {
  private readonly options: RowTableOptions
  private listener: RowFlushListener | undefined = undefined
  private sendOldValues = false
  private readonly exact = new ExactBuffers()
  /** Of rows that are held as bytes: a buffer for each would take several times what is in it, and a serde's is often part of a large one. */
  private readonly values = new ByteChunks()
  /** The same, of rows that are in use for long: among others, each would soon be the last in its buffer again. */
  private readonly lasting = new ByteChunks()
  /**
   * Rows to be used again: those that a commit wrote take the place of as many that were there. Rows live until their commit and longer, so
   * that each would be promoted by the collector, and wait in the old generation for the next great collection.
   */
  private readonly spareRows = new ReusedList<Row>()
  /** Whether what was read last was no primitive: of a primitive the bytes are let go at once. */
  private holdsBytes = true

  constructor(options: RowTableOptions) {
    super(options)
    this.options = options
  }

  // ── record path ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The newest version, or undefined when there is none or it is a deletion. */
  read(entry: Entry): Row | undefined {
    const row = entry.cached ?? entry.active ?? entry.sealed ?? this.readClean(entry)
    return row.deleted ? undefined : (row as Row)
  }

  /** As `read`, but without what the record cache holds back. */
  readForwarded(entry: Entry): Row | undefined {
    const row = entry.active ?? entry.sealed ?? this.readClean(entry)
    return row.deleted ? undefined : (row as Row)
  }

  /**
   * Null deletes. `keyBytes` spares turning the key into bytes again for the changelog. Whatever can fail (the serde,
   * the changelog) comes before the first change, so that a record that is skipped for it leaves no trace.
   */
  write(entry: Entry, keyBytes: Uint8Array | undefined, value: unknown, timestampMs: number, headers: Headers): void {
    const { cache, changelog } = this.options
    const deleted = value === null || value === undefined
    // Also where nobody wants the bytes yet: a value that its serde refuses must fail here, at its own record.
    let bytes: Uint8Array | undefined
    try {
      if (!deleted) bytes = this.options.encodeValue(value)
      if (cache === undefined && changelog !== undefined) {
        changelog(keyBytes ?? this.options.changelogKey(entry.key), bytes ?? null, timestampMs, NO_HEADERS)
      }
    } catch (error) {
      // An entry that holds nothing is in no list that would ever drop it.
      if (entry.clean === undefined && isIdle(entry)) this.forget(entry)
      throw error
    }
    if (cache === undefined) {
      let row = entry.active as Row | undefined
      if (row === undefined) {
        row = this.newRow()
        this.addActive(entry, row)
      }
      this.activeBytes += this.replace(row, deleted, value, bytes)
      if (this.options.timestamped) (row as TimestampedRow).timestampMs = timestampMs
      return
    }
    let row = entry.cached
    // A row in the cache but not in the list is just being flushed: its update is out, this one is the next.
    if (row === undefined || entry.list !== IN_CACHE_LIST) {
      row = this.newRow() as CachedRow
      entry.cached = row
      this.dirtyKeys?.add(entry.key)
    }
    fill(row, deleted, value, bytes)
    row.timestampMs = timestampMs
    row.headers = headers
    cache.put(this, entry, bytes === undefined ? 0 : bytes.length)
  }

  override valueOf(row: Row): unknown {
    if (row.value !== NOT_DECODED) return row.value
    const bytes = row.bytes as Uint8Array
    const value = this.options.decodeValue(bytes, row.offset, row.end < 0 ? bytes.length : row.end)
    const isPrimitive = isKeepable(value)
    if (isPrimitive) {
      row.value = value
      // Came from disk, and not into a chunk: nobody will want to write it again, and its buffer is longer than the value.
      if (row.end < 0 && row.offset > 0) {
        row.bytes = undefined
        row.offset = 0
      }
    }
    this.holdsBytes = !isPrimitive
    return value
  }

  protected override loaded(bytes: Uint8Array): Row {
    const row = this.scanned(bytes)
    if (this.holdsBytes && row.valueBytes <= MAX_SHARED_BYTES) this.keep(row)
    return row
  }

  protected override scanned(bytes: Uint8Array): Row {
    if (!this.options.timestamped) {
      const row = new Row()
      row.bytes = bytes
      return row
    }
    const row = new TimestampedRow()
    row.bytes = bytes
    row.timestampMs = readInteger(bytes, 0)
    row.offset = 8
    return row
  }

  /** Of the one class that all rows are of which this table is given to write. */
  private newRow(): Row {
    const spare = this.spareRows.pop()
    if (spare !== undefined) return spare
    if (this.options.cache !== undefined) return new CachedRow()
    return this.options.timestamped ? new TimestampedRow() : new Row()
  }

  protected override replaced(row: Row): void {
    const { spareRows } = this
    // What was read from disk is no `CachedRow`.
    if (spareRows.length === MAX_SPARE_ROWS || (this.options.cache !== undefined && !(row instanceof CachedRow))) return
    row.value = NOT_DECODED
    row.bytes = undefined
    spareRows.push(row)
  }

  /** Copies the row's bytes to those of others that stay in memory, but for what lies alone there already. */
  private keep(row: Row, values = this.values): void {
    if (row.end >= 0 && (row.bytes as Uint8Array).length === row.valueBytes) return
    row.moveTo(values)
  }

  /**
   * Gives a row of the active generation another value; returns how much more memory is held. What the value before took is held until the
   * commit, where rows are put together anew, unless the next one takes its place.
   */
  private replace(row: Row, deleted: boolean, value: unknown, bytes: Uint8Array | undefined): number {
    const { bytes: room, offset, end } = row
    const released = row.value === NOT_DECODED || room !== undefined ? 0 : row.valueBytes
    fill(row, deleted, value, bytes)
    if (row.bytes === undefined) return row.valueBytes - released
    const { length } = row.bytes
    if (room === undefined || end - offset < length || end - offset > 2 * length) {
      this.keep(row)
      return length - released
    }
    copyBytes(row.bytes, 0, length, room, offset)
    row.bytes = room
    row.offset = offset
    row.end = offset + length
    return 0
  }

  // ── record cache ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Returns false, and never calls the listener, when the table has no cache. */
  onFlush(listener: RowFlushListener, sendOldValues: boolean): boolean {
    if (this.options.cache === undefined) return false
    this.listener = listener
    this.sendOldValues = sendOldValues
    return true
  }

  /** Forwards what the cache holds; returns false when it held nothing. */
  flush(): boolean {
    return this.options.cache?.flush(this) ?? false
  }

  /** @see Kafka Streams `CachingKeyValueStore#putAndMaybeForward` */
  flushEntry(entry: Entry, row: CachedRow): void {
    let before: Row | undefined
    if (this.listener !== undefined && (row.deleted || this.sendOldValues)) {
      const below = entry.active ?? entry.sealed ?? this.readClean(entry)
      if (!below.deleted) before = below as Row
      // Created and deleted between two flushes: nobody below has heard of it, nobody need hear.
      if (row.deleted && before === undefined) {
        if (entry.cached === row) this.leaveCache(entry)
        return
      }
    }
    try {
      this.writeBelow(entry, row)
    } catch (error) {
      // Refused, as it would have been without a cache.
      if (entry.cached === row) this.leaveCache(entry)
      throw error
    }
    if (entry.cached === row) entry.cached = undefined
    this.listener?.(entry.key, this.sendOldValues ? before : undefined, row)
    row.headers = NO_HEADERS
  }

  flushFailed(error: unknown): void {
    this.options.flushFailed(error)
  }

  private writeBelow(entry: Entry, row: CachedRow): void {
    const { changelog } = this.options
    if (changelog !== undefined) {
      const bytes = row.deleted ? null : (row.bytes ?? this.options.encodeValue(row.value))
      changelog(this.options.changelogKey(entry.key), bytes, row.timestampMs, NO_HEADERS)
    }
    if (row.bytes !== undefined) this.keep(row)
    const before = entry.active
    if (before === undefined) this.addActive(entry, row)
    else {
      // Bytes are held until the commit, as in `replace`.
      if ((before as Row).bytes === undefined) this.activeBytes -= before.valueBytes
      // Replaced, not overwritten: the listener is given the row before as well.
      entry.active = row
    }
    this.activeBytes += row.valueBytes
  }

  private leaveCache(entry: Entry): void {
    entry.cached = undefined
    if (isIdle(entry)) this.clean.add(entry)
  }

  override reset(): void {
    super.reset()
    this.spareRows.truncate(0)
    this.options.cache?.drop(this)
  }

  /** Rows on disk and the new ones in memory. */
  approximateRowCount(): number {
    let count = this.rowCount
    this.entries.forEach(entry => {
      const row = entry.cached ?? entry.active ?? entry.sealed
      if (row === undefined) return
      // A key that was never looked up below counts as new.
      const isBelow = entry.clean !== undefined && !entry.clean.deleted
      if (isBelow === row.deleted) count += isBelow ? -1 : 1
    })
    return Math.max(0, count)
  }

  protected override rawValueOf(row: Row): Uint8Array {
    const value = row.bytes ?? this.options.encodeValue(row.value)
    const from = row.bytes === undefined ? 0 : row.offset
    const to = row.bytes === undefined || row.end < 0 ? value.length : row.end
    if (!this.options.timestamped) return this.exact.holding(value, from, to)
    const bytes = this.exact.ofLength(8 + to - from)
    writeInteger(bytes, 0, (row as TimestampedRow).timestampMs)
    copyBytes(value, from, to, bytes, 8)
    return bytes
  }

  /** Of rows that a commit wrote, in its order, so that they lie together without what others left between them. */
  protected override compact(row: Row, values = this.values): void {
    if (row.value === NOT_DECODED) {
      if (row.bytes !== undefined) this.keep(row, values)
      return
    }
    row.bytes = undefined
    row.offset = 0
    row.end = -1
  }

  override repack(row: Row): void {
    this.compact(row, this.lasting)
  }

  override sealedWritten(): void {
    // As many stay as this commit has; with those that it brings, a larger one to come finds enough.
    this.spareRows.truncate(this.sealedEntries.length)
    super.sealedWritten()
  }

  /** The row is to be looked at before the next `await`: after two more commits it may be another key's. */
  override scan(from: string, to: string | undefined): AsyncGenerator<readonly [key: string, row: Row]> {
    return super.scan(from, to) as AsyncGenerator<readonly [key: string, row: Row]>
  }
}

/** A primitive is encoded again when it leaves, once for many puts: to hold it twice costs more memory than that takes time. */
function fill(row: Row, deleted: boolean, value: unknown, bytes: Uint8Array | undefined): void {
  const keepsValue = !deleted && isKeepable(value)
  row.deleted = deleted
  row.value = keepsValue ? value : NOT_DECODED
  row.bytes = keepsValue ? undefined : bytes
  row.offset = 0
  row.end = -1
}
