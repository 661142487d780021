import { type Headers, NO_HEADERS } from '../core/index.ts'
import type { RawRow, RawStore, RawWrite } from '../ports/index.ts'
import type { CleanCache } from './clean-cache.ts'
import { latin1Bytes, latin1Of, writeLatin1 } from './latin1.ts'
import { OrderedKeys } from './ordered-keys.ts'
import { readInteger, writeInteger } from './raw-layout.ts'
import { Page } from './page.ts'
import type { RecordCache, RecordCacheStore } from './record-cache.ts'
import {
  ABSENT,
  Entry,
  type HeldItems,
  IN_CACHE_LIST,
  IN_CLEAN_LIST,
  IN_NO_LIST,
  isClean,
  isKeepable,
  NOT_DECODED,
  ON_DISK,
  Row
} from './row.ts'
import type { ChangelogAppender } from './task-state.ts'

/** What one uncommitted row costs beside its key and value. */
const ROW_BYTES = 96
const FIRST_PAGE_ROWS = 64
const MAX_PAGE_ROWS = 1024

export interface RowTableOptions {
  readonly raw: RawStore
  /** What the raw keys of this table begin with, as latin1. */
  readonly prefix: string
  /** Rows begin with 8 bytes of timestamp. */
  readonly timestamped: boolean
  encodeValue(value: unknown): Uint8Array
  decodeValue(bytes: Uint8Array, offset: number): unknown
  /** The changelog's key bytes for a row key. */
  changelogKey(key: string): Uint8Array
  readonly changelog: ChangelogAppender | undefined
  readonly clean: CleanCache
  /** Undefined: every write goes below at once. */
  readonly cache: RecordCache | undefined
  /** An update could not leave the cache; see `RecordCacheStore`. */
  readonly flushFailed: (error: unknown) => void
}

/** Called for each row that leaves the record cache, after it was written below. */
export type RowFlushListener = (key: string, before: Row | undefined, after: Row) => void

/**
 * The rows of one store, keyed by bytes (as latin1): record cache over two uncommitted generations over clean entries
 * over the raw store. Everything on the record path is synchronous; a store of any kind is a face over one table.
 */
export class RowTable implements RecordCacheStore {
  private readonly options: RowTableOptions
  private readonly entries = new Map<string, Entry>()
  private activeEntries: Entry[] = []
  private sealedEntries: Entry[] | undefined = undefined
  private activeBytes = 0
  private sealedBytes = 0
  private rawKey = Buffer.allocUnsafe(256)
  private listener: RowFlushListener | undefined = undefined
  private sendOldValues = false
  /** Counts the moments at which rows left the memory, so that a scan knows that what it read below may be stale. */
  private epoch = 0
  private scanCount = 0
  /** Tells above which key nothing is on disk; see `isEmptyAbove`. */
  private emptyAbove: (() => string) | undefined = undefined
  /** A key above this is on disk only if its entry is in memory. */
  private completeAbove: string | undefined = undefined
  /** Keys with uncommitted rows, in order; kept only while a scan is under way. */
  private dirtyKeys: OrderedKeys | undefined = undefined
  /** Rows on disk, roughly. */
  rowCount = 0

  constructor(options: RowTableOptions) {
    this.options = options
    writeLatin1(this.rawKey, options.prefix, 0)
  }

  get uncommittedBytes(): number {
    return this.activeBytes + this.sealedBytes
  }

  /**
   * For keys that begin with a time: above what `bound` tells, now and at each `reset`, nothing is on disk. What is put there stays in
   * memory until it is evicted, so that a new key, and there are new ones with every time bucket, need not be looked for on disk.
   */
  isEmptyAbove(bound: () => string): void {
    this.emptyAbove = bound
    this.completeAbove = bound()
  }

  // ── record path ──────────────────────────────────────────────────────────────────────────────────────────────────

  entryOf(key: string): Entry {
    let entry = this.entries.get(key)
    if (entry === undefined) {
      entry = new Entry(this, key)
      this.entries.set(key, entry)
    }
    return entry
  }

  /** As `entryOf`, but undefined, and nothing made, where there is certainly no row. */
  findEntry(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry !== undefined || (this.completeAbove !== undefined && key > this.completeAbove)) return entry
    return this.entryOf(key)
  }

  /** As `entryOf`, but only if it is in memory. */
  knownEntry(key: string): Entry | undefined {
    return this.entries.get(key)
  }

  /** The newest version, or undefined when there is none or it is a deletion. */
  read(entry: Entry): Row | undefined {
    const row = entry.cached ?? entry.active ?? entry.sealed ?? this.readClean(entry)
    return row.deleted ? undefined : row
  }

  /** As `read`, but without what the record cache holds back. */
  readForwarded(entry: Entry): Row | undefined {
    const row = entry.active ?? entry.sealed ?? this.readClean(entry)
    return row.deleted ? undefined : row
  }

  /**
   * Null deletes. `keyBytes` spares turning the key into bytes again for the changelog. Whatever can fail (the serde,
   * the changelog) comes before the first change, so that a record that is skipped for it leaves no trace.
   */
  write(entry: Entry, keyBytes: Uint8Array | undefined, value: unknown, timestampMs: number, headers: Headers): void {
    const { cache, changelog } = this.options
    const deleted = value === null || value === undefined
    const keepable = isKeepable(value)
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
      let row = entry.active
      if (row === undefined) row = this.addActive(entry, new Row())
      else this.activeBytes -= row.valueBytes
      fill(row, deleted, keepable ? value : NOT_DECODED, bytes, timestampMs)
      this.activeBytes += row.valueBytes
      return
    }
    let row = entry.cached
    // A row in the cache but not in the list is just being flushed: its update is out, this one is the next.
    if (row === undefined || entry.list !== IN_CACHE_LIST) {
      row = new Row()
      entry.cached = row
      this.dirtyKeys?.add(entry.key)
    }
    fill(row, deleted, keepable ? value : NOT_DECODED, bytes, timestampMs)
    row.headers = headers
    cache.put(this, entry, row.valueBytes)
  }

  valueOf(row: Row): unknown {
    if (row.value !== NOT_DECODED) return row.value
    const value = this.options.decodeValue(row.bytes as Uint8Array, row.offset)
    if (isKeepable(value)) {
      row.value = value
      // Came from disk, so that nobody will want to write it again.
      if (row.offset > 0) {
        row.bytes = undefined
        row.offset = 0
      }
    }
    return value
  }

  private readClean(entry: Entry): Row {
    const known = entry.clean
    if (known !== undefined) {
      if (entry.list === IN_CLEAN_LIST) this.options.clean.touch(entry)
      return known
    }
    const clean = this.load(entry.key)
    entry.clean = clean
    if (isIdle(entry)) this.options.clean.add(entry)
    return clean
  }

  private load(key: string): Row {
    if (this.completeAbove !== undefined && key > this.completeAbove) return ABSENT
    const prefixLength = this.options.prefix.length
    const end = prefixLength + key.length
    if (this.rawKey.length < end) {
      this.rawKey = Buffer.allocUnsafe(2 * end)
      writeLatin1(this.rawKey, this.options.prefix, 0)
    }
    writeLatin1(this.rawKey, key, prefixLength)
    const bytes = this.options.raw.getSync(this.rawKey.subarray(0, end))
    return bytes === undefined ? ABSENT : this.rowOf(bytes)
  }

  private rowOf(bytes: Uint8Array): Row {
    const row = new Row()
    row.bytes = bytes
    if (this.options.timestamped) {
      row.timestampMs = readInteger(bytes, 0)
      row.offset = 8
    }
    return row
  }

  private encoded(row: Row): Uint8Array {
    if (row.bytes === undefined) row.bytes = this.options.encodeValue(row.value)
    return row.offset === 0 ? row.bytes : row.bytes.subarray(row.offset)
  }

  private addActive(entry: Entry, row: Row): Row {
    entry.active = row
    this.activeEntries.push(entry)
    this.activeBytes += ROW_BYTES + entry.key.length
    this.dirtyKeys?.add(entry.key)
    return row
  }

  // ── pages: values of our own, changed in place ───────────────────────────────────────────────────────────────────

  /** The page in a row, decoded at its first use. */
  pageIn(entry: Entry, row: Row): Page {
    if (row.value === NOT_DECODED) {
      row.value = this.options.decodeValue(row.bytes as Uint8Array, 0)
      row.bytes = undefined
      if (entry.list === IN_CLEAN_LIST) this.options.clean.resize(entry)
    }
    return row.value as Page
  }

  /**
   * The page of this entry for changing: that of the active generation, that of the disk, a copy of the sealed one, or a
   * new one. A page that equals the disk is changed in place: should the change be discarded, it is read anew.
   */
  pageForWriting(entry: Entry): Page {
    const { active } = entry
    if (active !== undefined && !active.deleted) return active.value as Page
    if (active === undefined && entry.sealed === undefined) {
      const clean = this.readClean(entry)
      if (!clean.deleted) {
        const page = this.pageIn(entry, clean)
        entry.clean = ON_DISK
        this.addActive(entry, clean)
        this.activeBytes += page.memoryBytes
        return page
      }
    }
    const sealed = active === undefined ? entry.sealed : undefined
    let page: Page
    if (active?.value instanceof Page) page = active.value
    else page = sealed === undefined || sealed.deleted ? new Page() : this.pageIn(entry, sealed).copy()
    const row = active ?? this.addActive(entry, new Row())
    row.deleted = false
    row.value = page
    row.bytes = undefined
    this.activeBytes += page.memoryBytes
    return page
  }

  deletePage(entry: Entry): void {
    const row = entry.active ?? this.addActive(entry, new Row())
    const page = row.value instanceof Page ? row.value : undefined
    if (page !== undefined && !row.deleted) this.activeBytes -= page.memoryBytes
    row.deleted = true
    row.bytes = undefined
    // An empty page is taken again for the next item: a session that grows is removed and put again.
    if (page === undefined || page.level > 0 || page.keys.length > 0) row.value = NOT_DECODED
  }

  /** A page of the active generation has grown or shrunk by this. */
  pageResized(bytes: number): void {
    this.activeBytes += bytes
  }

  /** Keeps the entry in memory, and visible to scans, while the record cache holds back items of its group. */
  hold(entry: Entry, held: HeldItems): void {
    if (entry.list === IN_CLEAN_LIST) this.options.clean.remove(entry)
    entry.held = held
    this.dirtyKeys?.add(entry.key)
  }

  release(entry: Entry): void {
    entry.held = undefined
    if (isIdle(entry)) this.options.clean.add(entry)
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
  flushEntry(entry: Entry, row: Row): void {
    let before: Row | undefined
    if (this.listener !== undefined && (row.deleted || this.sendOldValues)) {
      const below = entry.active ?? entry.sealed ?? this.readClean(entry)
      if (!below.deleted) before = below
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
  }

  flushFailed(error: unknown): void {
    this.options.flushFailed(error)
  }

  private writeBelow(entry: Entry, row: Row): void {
    const bytes = row.deleted ? null : this.options.changelog === undefined ? undefined : this.encoded(row)
    if (bytes !== undefined) {
      this.options.changelog?.(this.options.changelogKey(entry.key), bytes, row.timestampMs, NO_HEADERS)
    }
    const before = entry.active
    if (before === undefined) this.addActive(entry, row)
    else {
      this.activeBytes -= before.valueBytes
      // Replaced, not overwritten: the listener is given the row before as well.
      entry.active = row
    }
    this.activeBytes += row.valueBytes
  }

  private leaveCache(entry: Entry): void {
    entry.cached = undefined
    if (isIdle(entry)) this.options.clean.add(entry)
  }

  // ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

  seal(): void {
    for (const entry of this.activeEntries) {
      entry.sealed = entry.active
      entry.active = undefined
    }
    this.sealedEntries = this.activeEntries
    this.sealedBytes = this.activeBytes
    this.activeEntries = []
    this.activeBytes = 0
  }

  /** Adds the sealed rows to a batch; those for which `isDead` holds are left out. Returns the change of `rowCount`. */
  collectSealed(writes: RawWrite[], isDead: ((key: string) => boolean) | undefined): number {
    let added = 0
    for (const entry of this.sealedEntries ?? []) {
      const row = entry.sealed
      if (row === undefined || isDead?.(entry.key) === true) continue
      entry.clean ??= this.load(entry.key)
      if (entry.clean.deleted) {
        if (row.deleted) continue
        added++
      } else if (row.deleted) added--
      writes.push({ key: this.rawKeyOf(entry.key), value: row.deleted ? null : this.rawValueOf(row) })
    }
    return added
  }

  /** The sealed rows are on disk. */
  sealedWritten(rowsAdded: number): void {
    const { clean } = this.options
    for (const entry of this.sealedEntries ?? []) {
      const row = entry.sealed
      if (row === undefined) continue
      entry.sealed = undefined
      entry.clean = row.deleted ? ABSENT : this.compact(row)
      if (entry.list === IN_CLEAN_LIST) {
        clean.resize(entry)
        clean.touch(entry)
      } else if (isIdle(entry)) clean.add(entry)
    }
    this.sealedEntries = undefined
    this.sealedBytes = 0
    this.rowCount += rowsAdded
    this.epoch++
  }

  /** Drops everything from memory: what is on disk is the truth. */
  reset(): void {
    for (const entry of this.entries.values()) {
      if (entry.list === IN_CLEAN_LIST) this.options.clean.remove(entry)
      entry.dropped = true
    }
    this.options.cache?.drop(this)
    this.entries.clear()
    this.activeEntries = []
    this.sealedEntries = undefined
    this.activeBytes = 0
    this.sealedBytes = 0
    this.epoch++
    this.completeAbove = this.emptyAbove?.()
  }

  /** Called by the clean cache for an entry that it evicts. */
  forget(entry: Entry): void {
    if (this.completeAbove !== undefined && entry.clean?.deleted === false && entry.key > this.completeAbove) {
      this.completeAbove = entry.key
    }
    this.entries.delete(entry.key)
    entry.dropped = true
  }

  /** Called by the record cache, which links the entry itself. */
  takeFromClean(entry: Entry): void {
    this.options.clean.remove(entry)
  }

  /** Rows on disk and the new ones in memory. */
  approximateRowCount(): number {
    let count = this.rowCount
    for (const entry of this.entries.values()) {
      const row = entry.cached ?? entry.active ?? entry.sealed
      if (row === undefined) continue
      // A key that was never looked up below counts as new.
      const isBelow = entry.clean !== undefined && !entry.clean.deleted
      if (isBelow === row.deleted) count += isBelow ? -1 : 1
    }
    return Math.max(0, count)
  }

  rawKeyOf(key: string): Buffer {
    return latin1Bytes(this.options.prefix + key)
  }

  private rawValueOf(row: Row): Uint8Array {
    const value = this.encoded(row)
    if (!this.options.timestamped) return value
    const bytes = Buffer.allocUnsafe(8 + value.length)
    writeInteger(bytes, 0, row.timestampMs)
    bytes.set(value, 8)
    return bytes
  }

  /** A row that stays in memory must not hold the large pooled buffer of which its few bytes are a part. */
  private compact(row: Row): Row {
    row.headers = NO_HEADERS
    if (row.value !== NOT_DECODED) row.bytes = undefined
    else if (row.bytes !== undefined && row.bytes.buffer.byteLength > 2 * row.bytes.length) {
      row.bytes = Uint8Array.prototype.slice.call(row.bytes, row.offset)
      row.offset = 0
    }
    return row
  }

  // ── scans ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Rows of [from, to) in the order of their key bytes, each as it is when the scan reaches it. Reads the raw store
   * page by page, so that a slow consumer holds neither a snapshot nor memory.
   */
  async *scan(from: string, to: string | undefined): AsyncGenerator<readonly [key: string, row: Row]> {
    this.scanCount++
    this.dirtyKeys ??= OrderedKeys.of(this.keysOfDirtyEntries())
    try {
      let next = from
      let pageRows = FIRST_PAGE_ROWS
      for (;;) {
        const epoch = this.epoch
        const page = await this.readPage(next, to, pageRows)
        const isLast = page.length < pageRows
        pageRows = Math.min(MAX_PAGE_ROWS, 2 * pageRows)
        let at = 0
        // Once rows have moved from memory to disk, the page may lack them, and so would we: it is read again.
        while (epoch === this.epoch) {
          const below = page[at]
          if (below === undefined && !isLast) break
          const belowKey = below === undefined ? undefined : latin1Of(below.key).slice(this.options.prefix.length)
          // A row that was clean when the page was read may be behind us already.
          if (belowKey !== undefined && belowKey < next) {
            at++
            continue
          }
          const dirtyKey = this.dirtyKeyFrom(next, to)
          if (belowKey === undefined && dirtyKey === undefined) return
          const key = belowKey === undefined || (dirtyKey !== undefined && dirtyKey < belowKey) ? dirtyKey : belowKey
          const row =
            this.dirtyRowOf(key as string) ?? (key === belowKey ? this.rowOf((below as RawRow).value) : ABSENT)
          next = `${key}\0`
          if (!row.deleted || this.entries.get(key as string)?.held !== undefined) yield [key as string, row]
        }
      }
    } finally {
      if (--this.scanCount === 0) this.dirtyKeys = undefined
    }
  }

  private dirtyKeyFrom(next: string, to: string | undefined): string | undefined {
    const key = this.dirtyKeys?.atOrAfter(next)
    return key === undefined || (to !== undefined && key >= to) ? undefined : key
  }

  private dirtyRowOf(key: string): Row | undefined {
    const entry = this.entries.get(key)
    return entry?.cached ?? entry?.active ?? entry?.sealed
  }

  private *keysOfDirtyEntries(): Iterable<string> {
    for (const entry of this.entries.values()) {
      if (
        entry.cached !== undefined ||
        entry.active !== undefined ||
        entry.sealed !== undefined ||
        entry.held !== undefined
      ) {
        yield entry.key
      }
    }
  }

  private async readPage(from: string, to: string | undefined, limit: number): Promise<RawRow[]> {
    const end = to === undefined ? this.rangeEnd : this.rawKeyOf(to)
    const rows: RawRow[] = []
    for await (const row of this.options.raw.iterate({ from: this.rawKeyOf(from), to: end })) {
      rows.push(row)
      if (rows.length === limit) break
    }
    return rows
  }

  /** The first raw key after this table's. */
  private get rangeEnd(): Buffer {
    const bytes = latin1Bytes(this.options.prefix)
    bytes.writeUInt16BE(bytes.readUInt16BE(1) + 1, 1)
    return bytes
  }
}

function fill(row: Row, deleted: boolean, value: unknown, bytes: Uint8Array | undefined, timestampMs: number): void {
  row.deleted = deleted
  row.value = deleted ? NOT_DECODED : value
  row.bytes = bytes
  row.offset = 0
  row.timestampMs = timestampMs
}

/** Whether the entry holds nothing but what is on disk, and is in no list yet. */
function isIdle(entry: Entry): boolean {
  return entry.list === IN_NO_LIST && isClean(entry)
}
