import { type Headers, NO_HEADERS } from '../core/index.ts'
import type { RawStore, RawWrite } from '../ports/index.ts'
import { ByteChunks } from './byte-chunks.ts'
import type { CleanCache } from './clean-cache.ts'
import { PageTable } from './page-table.ts'
import { PageTree } from './page-tree.ts'
import type { RecordCache, RecordCacheStore } from './record-cache.ts'
import { CachedRow, Entry, type HeldItems, isKeepable, NOT_DECODED, Row, TimestampedRow } from './row.ts'
import type { RowFlushListener } from './row-table.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreTable } from './store-engine.ts'
import type { ChangelogAppender } from './task-state.ts'

export interface ItemTableOptions {
  readonly raw: RawStore
  readonly prefix: string
  /** Items keep a timestamp. */
  readonly timestamped: boolean
  readonly codec: StoreCodec<unknown, unknown>
  readonly changelog: ChangelogAppender | undefined
  readonly clean: CleanCache
  /** Undefined: every write goes below at once. Needs item keys of `itemKeyLength`. */
  readonly cache: RecordCache | undefined
  /** An update could not leave the cache; see `RecordCacheStore`. */
  readonly flushFailed: (error: unknown) => void
  /** Whether the record cache of any store of the task is just being emptied. */
  readonly isFlushing: () => boolean
  readonly maxPageBytes: number
  /** Of item keys that are all equally long; else 0. */
  readonly itemKeyLength: number
  /** The changelog's key bytes for an item; may be a buffer that is used again. */
  changelogKey(rootKey: string, itemKey: string): Uint8Array
}

/**
 * Sorted groups of items with everything a store does: encoding, changelog, record cache. A group is named by the key
 * of its root page; changelog records are one per item.
 */
export class ItemTable implements StoreTable, RecordCacheStore {
  readonly pages: PageTable
  readonly tree: PageTree
  rowCount = 0
  private activeAdded = 0
  private sealedAdded = 0
  private listener: RowFlushListener | undefined = undefined
  private sendOldValues = false
  private readonly options: ItemTableOptions
  /** Of items that are not on disk yet. */
  private readonly values = new ByteChunks()
  /** Told of each item that comes or goes below the cache, for an index over the items. */
  onPresence: ((rootKey: string, itemKey: string, isThere: boolean) => void) | undefined = undefined

  constructor(options: ItemTableOptions) {
    this.options = options
    this.pages = new PageTable(options)
    this.tree = new PageTree(this.pages, options.maxPageBytes)
  }

  get uncommittedBytes(): number {
    return this.pages.uncommittedBytes
  }

  // ── record path ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The newest version, or undefined when there is none or it is a deletion. */
  read(root: Entry, key: string): Row | undefined {
    const { held } = root
    if (held !== undefined) {
      const at = indexIn(held.keys, key)
      if (held.keys[at] === key) {
        const row = (held.entries[at] as Entry).cached as Row
        return row.deleted ? undefined : row
      }
    }
    return this.tree.find(root, key)
  }

  /** As `read`, but without what the record cache holds back. */
  readForwarded(root: Entry, key: string): Row | undefined {
    return this.tree.find(root, key)
  }

  /** Appends the items of [from, to), cached ones included, to both lists. */
  collect(root: Entry, from: string, to: string | undefined, keys: string[], rows: Row[]): void {
    const { held } = root
    if (held === undefined) {
      this.tree.collect(root, from, to, keys, rows)
      return
    }
    const belowKeys: string[] = []
    const below: Row[] = []
    this.tree.collect(root, from, to, belowKeys, below)
    let at = indexIn(held.keys, from)
    for (let i = 0; ; ) {
      let heldKey = held.keys[at]
      if (heldKey !== undefined && to !== undefined && heldKey >= to) heldKey = undefined
      const belowKey = belowKeys[i]
      if (heldKey === undefined && belowKey === undefined) return
      if (heldKey === undefined || (belowKey !== undefined && belowKey < heldKey)) {
        keys.push(belowKey as string)
        rows.push(below[i] as Row)
        i++
        continue
      }
      const row = (held.entries[at] as Entry).cached as Row
      at++
      if (belowKey === heldKey) i++
      if (row.deleted) continue
      keys.push(heldKey)
      rows.push(row)
    }
  }

  /**
   * Null deletes. Whatever can fail (the serde, the changelog) comes before the first change, so that a record that is
   * skipped for it leaves no trace.
   */
  write(root: Entry, key: string, value: unknown, timestampMs: number, headers: Headers): void {
    const { cache, changelog } = this.options
    if (cache === undefined) {
      const row = this.newRow(timestampMs)
      this.fill(row, value)
      changelog?.(this.options.changelogKey(root.key, key), row.bytes ?? null, timestampMs, NO_HEADERS)
      this.keep(row)
      this.putBelow(root, key, row)
      return
    }
    const row = new CachedRow()
    row.timestampMs = timestampMs
    row.headers = headers
    this.fill(row, value)
    const entry = this.heldEntry(root, key)
    entry.cached = row
    cache.put(this, entry, row.valueBytes)
  }

  /** Puts a deletion that stays in its group as an item. */
  writeTombstone(root: Entry, key: string, timestampMs: number): void {
    this.options.changelog?.(this.options.changelogKey(root.key, key), null, timestampMs, NO_HEADERS)
    this.restoreTombstone(root, key, timestampMs)
  }

  /** Removes an item without telling the changelog. */
  forget(root: Entry, key: string): void {
    if (this.tree.delete(root, key)) this.activeAdded--
  }

  valueOf(row: Row): unknown {
    if (row.value !== NOT_DECODED) return row.value
    const bytes = row.bytes as Uint8Array
    const value = this.options.codec.decodeValue(bytes, row.offset, row.end < 0 ? bytes.length : row.end)
    // The bytes stay: their length is counted in the page.
    if (isKeepable(value)) row.value = value
    return value
  }

  rootOf(key: string): Entry {
    return this.pages.entryOf(key)
  }

  /** Encoded also where nobody wants the bytes yet: a value that its serde refuses must fail at its own record. */
  private fill(row: Row, value: unknown): void {
    if (value === null || value === undefined) {
      row.deleted = true
      return
    }
    if (isKeepable(value)) row.value = value
    row.bytes = this.options.codec.encodeValue(value)
  }

  /** A copy of what the serde gave: a view of each value would take more than the value, and live until the commit. */
  private keep(row: Row): void {
    if (row.bytes !== undefined) row.moveTo(this.values)
  }

  private newRow(timestampMs: number): Row {
    if (!this.options.timestamped) return new Row()
    const row = new TimestampedRow()
    row.timestampMs = timestampMs
    return row
  }

  private putBelow(root: Entry, key: string, row: Row): void {
    const live = root.dropped ? this.pages.entryOf(root.key) : root
    if (row.deleted) {
      if (!this.tree.delete(live, key)) return
      this.activeAdded--
      this.onPresence?.(root.key, key, false)
    } else if (this.tree.put(live, key, row)) {
      this.activeAdded++
      this.onPresence?.(root.key, key, true)
    }
  }

  // ── restoring ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** As `write`, of an encoded value that is copied, and without the changelog. */
  restore(rootKey: string, key: string, value: Uint8Array | null, timestampMs: number): void {
    const row = this.newRow(timestampMs)
    if (value === null) row.deleted = true
    else row.bytes = Buffer.from(value)
    this.putBelow(this.rootOf(rootKey), key, row)
  }

  restoreTombstone(root: Entry, key: string, timestampMs: number): void {
    const row = this.newRow(timestampMs)
    row.deleted = true
    const live = root.dropped ? this.pages.entryOf(root.key) : root
    if (this.tree.put(live, key, row)) this.activeAdded++
  }

  // ── record cache ─────────────────────────────────────────────────────────────────────────────────────────────────

  get isCached(): boolean {
    return this.options.cache !== undefined
  }

  /** Whether whoever reads may have to do with updates that were put when items that have expired since were still there. */
  get isReadLate(): boolean {
    return this.options.cache !== undefined || this.options.isFlushing()
  }

  /** Returns false, and never calls the listener, when the table has no cache. Keys are root key and item key. */
  onFlush(listener: RowFlushListener, sendOldValues: boolean): boolean {
    if (this.options.cache === undefined) return false
    this.listener = listener
    this.sendOldValues = sendOldValues
    return true
  }

  flush(): boolean {
    return this.options.cache?.flush(this) ?? false
  }

  /** Before others forward an update of this item: what is held back must not come after it. */
  flushHeld(rootKey: string, key: string): void {
    const held = this.pages.knownEntry(rootKey)?.held
    if (held !== undefined && held.keys[indexIn(held.keys, key)] === key) this.flush()
  }

  /** @see Kafka Streams `CachingWindowStore#putAndMaybeForward` */
  flushEntry(entry: Entry, row: CachedRow): void {
    const split = entry.key.length - this.options.itemKeyLength
    const rootKey = entry.key.slice(0, split)
    const key = entry.key.slice(split)
    const root = this.pages.entryOf(rootKey)
    let before: Row | undefined
    if (this.listener !== undefined && (row.deleted || this.sendOldValues)) {
      before = this.tree.find(root, key)
      // Created and deleted between two flushes: nobody below has heard of it, nobody need hear.
      if (row.deleted && before === undefined) {
        if (entry.cached === row) this.releaseHeld(root, key)
        return
      }
    }
    try {
      this.options.changelog?.(this.options.changelogKey(rootKey, key), row.bytes ?? null, row.timestampMs, NO_HEADERS)
      this.putBelow(root, key, row)
    } finally {
      // Also when it is refused, as it would have been without a cache.
      if (entry.cached === row) this.releaseHeld(root, key)
    }
    this.listener?.(entry.key, this.sendOldValues ? before : undefined, row)
    row.headers = NO_HEADERS
  }

  flushFailed(error: unknown): void {
    this.options.flushFailed(error)
  }

  private heldEntry(root: Entry, key: string): Entry {
    const live = root.dropped ? this.pages.entryOf(root.key) : root
    let { held } = live
    if (held === undefined) {
      held = { keys: [], entries: [] }
      this.pages.hold(live, held)
    }
    const at = indexIn(held.keys, key)
    if (held.keys[at] === key) return held.entries[at] as Entry
    const entry = new Entry(this.pages, live.key + key)
    held.keys.splice(at, 0, key)
    held.entries.splice(at, 0, entry)
    return entry
  }

  private releaseHeld(root: Entry, key: string): void {
    const held = root.held as HeldItems
    const at = indexIn(held.keys, key)
    held.keys.splice(at, 1)
    held.entries.splice(at, 1)
    if (held.keys.length === 0) this.pages.release(root)
  }

  // ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

  seal(): void {
    this.pages.seal()
    this.sealedAdded = this.activeAdded
    this.activeAdded = 0
  }

  startWriting(isDead: ((rowKey: string) => boolean) | undefined): void {
    this.pages.startWriting(isDead)
  }

  nextWrite(): RawWrite | undefined {
    return this.pages.nextWrite()
  }

  get rowsAdded(): number {
    return this.sealedAdded
  }

  sealedWritten(): void {
    this.pages.sealedWritten()
    this.rowCount = Math.max(0, this.rowCount + this.sealedAdded)
    this.sealedAdded = 0
  }

  reset(): void {
    this.pages.reset()
    this.options.cache?.drop(this)
    this.activeAdded = 0
    this.sealedAdded = 0
    this.tree.version++
  }

  approximateRowCount(): number {
    return Math.max(0, this.rowCount + this.sealedAdded + this.activeAdded)
  }
}

function indexIn(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
