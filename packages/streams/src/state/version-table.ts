import type { RawRow, RawStore, RawWrite } from '../ports/index.ts'
import { ByteChunks } from './byte-chunks.ts'
import type { CleanCache } from './clean-cache.ts'
import { latin1Bytes, latin1Of, writeLatin1 } from './latin1.ts'
import { OrderedKeys } from './ordered-keys.ts'
import { ABSENT, Entry, IN_CLEAN_LIST, IN_NO_LIST, isClean, type Version } from './row.ts'

/** What one uncommitted row costs beside its key and value. */
const ROW_BYTES = 96
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
  protected readonly entries = new Map<string, Entry>()
  private activeEntries: Entry[] = []
  private sealedEntries: Entry[] | undefined = undefined
  protected activeBytes = 0
  private sealedBytes = 0
  private rawKey = Buffer.allocUnsafe(256)
  private readonly keys = new ByteChunks()
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
  /** What the raw store is to have. */
  protected abstract rawValueOf(version: Version): Uint8Array
  /** Of what stays in memory when it is on disk. */
  protected abstract compact(version: Version): void

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
    if (this.completeAbove !== undefined && key > this.completeAbove) return ABSENT
    const prefixLength = this.prefix.length
    const end = prefixLength + key.length
    if (this.rawKey.length < end) {
      this.rawKey = Buffer.allocUnsafe(2 * end)
      writeLatin1(this.rawKey, this.prefix, 0)
    }
    writeLatin1(this.rawKey, key, prefixLength)
    const bytes = this.raw.getSync(this.rawKey.subarray(0, end))
    return bytes === undefined ? ABSENT : this.loaded(bytes)
  }

  protected addActive(entry: Entry, version: Version): void {
    entry.active = version
    this.activeEntries.push(entry)
    this.activeBytes += ROW_BYTES + entry.key.length
    this.dirtyKeys?.add(entry.key)
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
      writes.push({ key: this.newRawKey(entry.key), value: row.deleted ? null : this.rawValueOf(row) })
    }
    return added
  }

  /** The sealed rows are on disk. */
  sealedWritten(rowsAdded: number): void {
    const { clean } = this
    for (const entry of this.sealedEntries ?? []) {
      const row = entry.sealed
      if (row === undefined) continue
      entry.sealed = undefined
      if (!row.deleted) this.compact(row)
      entry.clean = row.deleted ? ABSENT : row
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
      if (entry.list === IN_CLEAN_LIST) this.clean.remove(entry)
      entry.dropped = true
    }
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
    this.clean.remove(entry)
  }

  private newRawKey(key: string): Uint8Array {
    const { prefix, keys } = this
    const length = prefix.length + key.length
    const start = keys.take(length)
    writeLatin1(keys.chunk, prefix, start)
    writeLatin1(keys.chunk, key, start + prefix.length)
    return keys.chunk.subarray(start, start + length)
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

  private dirtyRowOf(key: string): Version | undefined {
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
