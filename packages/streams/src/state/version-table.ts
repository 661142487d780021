import type { RawRow, RawStore, RawWrite } from '../ports/index.ts'
import type { CleanCache } from './clean-cache.ts'
import { EntryMap } from './entry-map.ts'
import { ExactBuffers } from './exact-buffers.ts'
import { latin1Bytes, latin1Of, latin1OfRange, writeLatin1 } from './latin1.ts'
import { OrderedKeys } from './ordered-keys.ts'
import { ReusedList } from './reused-list.ts'
import { ABSENT, ENTRY_BYTES, Entry, IN_CLEAN_LIST, IN_NO_LIST, isClean, type Version } from './row.ts'

const NO_BYTES = Buffer.alloc(0)
const FIRST_PAGE_ROWS = 64
const MAX_PAGE_ROWS = 1024

export interface VersionTableOptions {
  readonly raw: RawStore
  /** What the raw keys of this table begin with, as latin1. */
  readonly prefix: string
  readonly clean: CleanCache
}

/**
 * What the keys (bytes, as latin1) of one store stand for, in memory and on disk: two uncommitted generations over clean entries
 * over the raw store. A `RowTable` has rows, a `PageTable` pages of groups of items. Everything on the record path is synchronous.
 */
export abstract class VersionTable {
  protected readonly raw: RawStore
  protected readonly clean: CleanCache
  private readonly prefix: string
  protected readonly entries = new EntryMap()
  private activeEntries = new ReusedList<Entry>()
  protected sealedEntries = new ReusedList<Entry>()
  protected activeBytes = 0
  private sealedBytes = 0
  private rawKey = Buffer.allocUnsafe(256)
  private readonly buffers = new ExactBuffers()
  private readonly handedOut: { key: Uint8Array; value: Uint8Array | null } = { key: NO_BYTES, value: null }
  private nextWriting = 0
  private isDead: ((key: string) => boolean) | undefined = undefined
  rowsAdded = 0
  /** Counts the moments at which rows left the memory, so that a scan knows that what it read below may be stale. */
  private epoch = 0
  private scanCount = 0
  /** Tells above which key nothing is on disk; see `isEmptyAbove`. */
  private emptyAbove: (() => string) | undefined = undefined
  /** A key above this is on disk only if its entry is in memory. */
  private completeAbove: string | undefined = undefined
  /** Keys with uncommitted rows, in order; kept only while a scan is under way. */
  protected dirtyKeys: OrderedKeys | undefined = undefined
  /** Rows on disk, roughly. */
  rowCount = 0

  constructor({ raw, prefix, clean }: VersionTableOptions) {
    this.raw = raw
    this.prefix = prefix
    this.clean = clean
    writeLatin1(this.rawKey, prefix, 0)
  }

  /** What the raw store has. */
  protected abstract loaded(bytes: Uint8Array): Version
  /** The same, for a scan. */
  protected abstract scanned(bytes: Uint8Array): Version
  /** What the raw store is to have; looked at before the next call. */
  protected abstract rawValueOf(version: Version): Uint8Array
  /** Of what stays in memory when a commit has written it. */
  protected abstract compact(version: Version): void
  /** Of what stays while those around it go: it must not hold the buffer in which it lies with them. */
  abstract repack(version: Version): void
  /** Of what was on disk until a newer version took its place. */
  protected abstract replaced(version: Version): void

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
    return this.entries.getText(key) ?? this.newEntry(key)
  }

  /** As `entryOf`, of the first `end` bytes. */
  entryOfBytes(bytes: Uint8Array, end: number): Entry {
    return this.entries.get(bytes, 0, end) ?? this.newEntry(latin1OfRange(bytes, 0, end))
  }

  /** As `entryOfBytes`, but undefined, and nothing made, where there is certainly no row. */
  findEntryOfBytes(bytes: Uint8Array, end: number): Entry | undefined {
    const entry = this.entries.get(bytes, 0, end)
    if (entry !== undefined || (this.completeAbove !== undefined && isAbove(bytes, end, this.completeAbove)))
      return entry
    return this.newEntry(latin1OfRange(bytes, 0, end))
  }

  /** As `entryOf`, but only if it is in memory. */
  knownEntry(key: string): Entry | undefined {
    return this.entries.getText(key)
  }

  private newEntry(key: string): Entry {
    const entry = new Entry(this, key)
    this.entries.add(entry)
    return entry
  }

  protected readClean(entry: Entry): Version {
    const known = entry.clean
    if (known !== undefined) {
      if (entry.list === IN_CLEAN_LIST) this.clean.touch(entry)
      return known
    }
    const clean = this.load(entry.key)
    entry.clean = clean
    if (isIdle(entry)) this.clean.add(entry)
    return clean
  }

  private load(key: string): Version {
    const bytes = this.lookUp(key)
    return bytes === undefined ? ABSENT : this.loaded(bytes)
  }

  private lookUp(key: string): Uint8Array | undefined {
    if (this.completeAbove !== undefined && key > this.completeAbove) return undefined
    const prefixLength = this.prefix.length
    const end = prefixLength + key.length
    if (this.rawKey.length < end) {
      this.rawKey = Buffer.allocUnsafe(2 * end)
      writeLatin1(this.rawKey, this.prefix, 0)
    }
    writeLatin1(this.rawKey, key, prefixLength)
    return this.raw.getSync(this.rawKey.subarray(0, end))
  }

  protected addActive(entry: Entry, version: Version): void {
    entry.active = version
    this.activeEntries.push(entry)
    this.activeBytes += ENTRY_BYTES + entry.key.length
    this.dirtyKeys?.add(entry.key)
  }

  // ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

  seal(): void {
    const { activeEntries, sealedEntries } = this
    for (let i = 0; i < activeEntries.length; i++) {
      const entry = activeEntries.at(i)
      entry.sealed = entry.active
      entry.active = undefined
    }
    this.sealedEntries = activeEntries
    this.sealedBytes = this.activeBytes
    this.activeEntries = sealedEntries
    this.activeBytes = 0
  }

  startWriting(isDead: ((key: string) => boolean) | undefined): void {
    this.nextWriting = 0
    this.isDead = isDead
    this.rowsAdded = 0
  }

  nextWrite(): RawWrite | undefined {
    const { sealedEntries, handedOut } = this
    while (this.nextWriting < sealedEntries.length) {
      const entry = sealedEntries.at(this.nextWriting++)
      const row = entry.sealed
      if (row === undefined || this.isDead?.(entry.key) === true) continue
      const isNew = entry.clean === undefined ? this.lookUp(entry.key) === undefined : entry.clean.deleted
      if (isNew) {
        if (row.deleted) continue
        this.rowsAdded++
      } else if (row.deleted) this.rowsAdded--
      handedOut.key = this.rawKeyFor(entry.key)
      handedOut.value = row.deleted ? null : this.rawValueOf(row)
      // While the row is in the processor's cache: it may be gone from there when it has been written.
      if (entry.list === IN_CLEAN_LIST) this.clean.resize(entry, row)
      return handedOut
    }
    return undefined
  }

  /** The sealed rows are on disk. */
  sealedWritten(): void {
    const { clean, sealedEntries } = this
    for (let i = 0; i < sealedEntries.length; i++) {
      const entry = sealedEntries.at(i)
      const row = entry.sealed
      if (row === undefined) continue
      entry.sealed = undefined
      if (!row.deleted) this.compact(row)
      const before = entry.clean
      entry.clean = row.deleted ? ABSENT : row
      if (before !== undefined && before !== ABSENT) this.replaced(before)
      if (entry.list === IN_CLEAN_LIST) clean.touch(entry)
      else if (isIdle(entry)) clean.add(entry)
    }
    sealedEntries.truncate(0)
    this.sealedBytes = 0
    this.rowCount = Math.max(0, this.rowCount + this.rowsAdded)
    this.rowsAdded = 0
    this.epoch++
  }

  /** Drops everything from memory: what is on disk is the truth. */
  reset(): void {
    this.entries.forEach(entry => {
      if (entry.list === IN_CLEAN_LIST) this.clean.remove(entry)
      entry.dropped = true
    })
    this.entries.clear()
    this.activeEntries.truncate(0)
    this.sealedEntries.truncate(0)
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
    this.entries.delete(entry)
    entry.dropped = true
  }

  /** Called by the record cache, which links the entry itself. */
  takeFromClean(entry: Entry): void {
    this.clean.remove(entry)
  }

  private rawKeyFor(key: string): Buffer {
    const { prefix } = this
    const bytes = this.buffers.ofLength(prefix.length + key.length)
    writeLatin1(bytes, prefix, 0)
    writeLatin1(bytes, key, prefix.length)
    return bytes
  }

  rawKeyOf(key: string): Buffer {
    return latin1Bytes(this.prefix + key)
  }

  // ── scans ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Rows of [from, to) in the order of their key bytes, each as it is when the scan reaches it. Reads the raw store
   * page by page, so that a slow consumer holds neither a snapshot nor memory.
   */
  async *scan(from: string, to: string | undefined): AsyncGenerator<readonly [key: string, row: Version]> {
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
          const belowKey = below === undefined ? undefined : latin1Of(below.key).slice(this.prefix.length)
          // A row that was clean when the page was read may be behind us already.
          if (belowKey !== undefined && belowKey < next) {
            at++
            continue
          }
          const dirtyKey = this.dirtyKeyFrom(next, to)
          if (belowKey === undefined && dirtyKey === undefined) return
          const key = belowKey === undefined || (dirtyKey !== undefined && dirtyKey < belowKey) ? dirtyKey : belowKey
          const row =
            this.dirtyRowOf(key as string) ?? (key === belowKey ? this.scanned((below as RawRow).value) : ABSENT)
          next = `${key}\0`
          if (!row.deleted || this.entries.getText(key as string)?.held !== undefined) yield [key as string, row]
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

  private dirtyRowOf(key: string): Version | undefined {
    const entry = this.entries.getText(key)
    return entry?.cached ?? entry?.active ?? entry?.sealed
  }

  private keysOfDirtyEntries(): string[] {
    const keys: string[] = []
    this.entries.forEach(entry => {
      if (!isClean(entry)) keys.push(entry.key)
    })
    return keys
  }

  private async readPage(from: string, to: string | undefined, limit: number): Promise<RawRow[]> {
    const end = to === undefined ? this.rangeEnd : this.rawKeyOf(to)
    const rows: RawRow[] = []
    for await (const row of this.raw.iterate({ from: this.rawKeyOf(from), to: end })) {
      rows.push(row)
      if (rows.length === limit) break
    }
    return rows
  }

  /** The first raw key after this table's. */
  private get rangeEnd(): Buffer {
    const bytes = latin1Bytes(this.prefix)
    bytes.writeUInt16BE(bytes.readUInt16BE(1) + 1, 1)
    return bytes
  }
}

/** Whether the entry holds nothing but what is on disk, and is in no list yet. */
export function isIdle(entry: Entry): boolean {
  return entry.list === IN_NO_LIST && isClean(entry)
}

/** Whether the key in these bytes sorts behind `key`. */
function isAbove(bytes: Uint8Array, end: number, key: string): boolean {
  const common = Math.min(end, key.length)
  for (let i = 0; i < common; i++) {
    const difference = (bytes[i] as number) - key.charCodeAt(i)
    if (difference !== 0) return difference > 0
  }
  return end > key.length
}
