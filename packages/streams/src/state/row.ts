import { type Headers, NO_HEADERS } from '../core/index.ts'
import type { ByteChunks } from './byte-chunks.ts'
import type { VersionTable } from './version-table.ts'

/** Marks a row whose value is there as bytes only. */
export const NOT_DECODED: unique symbol = Symbol('not decoded')

/** What a key stands for at one time: a `Row`, or in a table of pages a `Page`. */
export abstract class Version {
  deleted = false

  /** Roughly; 0 for a deletion. */
  abstract readonly valueBytes: number
}

/**
 * One version of a row, or an item of a page. Its value is held decoded when it is a primitive, which nobody can change; anything
 * else only as bytes, because the user may mutate the object that was given or got. There is one for each row in memory, so what
 * only some rows have is left to the classes below.
 */
export class Row extends Version {
  value: unknown = NOT_DECODED
  /** The encoded value from `offset` on; undefined while a primitive was not encoded. */
  bytes: Uint8Array | undefined = undefined
  offset = 0
  /** Where the value ends in `bytes`; -1: with them. */
  end = -1

  /** Strings that were not encoded are taken as ASCII. */
  get valueBytes(): number {
    if (this.deleted) return 0
    if (this.bytes !== undefined) return (this.end < 0 ? this.bytes.length : this.end) - this.offset
    return typeof this.value === 'string' ? this.value.length : 8
  }

  /** Copies the bytes to where `chunks` has room. */
  moveTo(chunks: ByteChunks): void {
    const { bytes, offset, valueBytes } = this
    this.offset = chunks.add(bytes as Uint8Array, offset, offset + valueBytes)
    this.bytes = chunks.chunk
    this.end = this.offset + valueBytes
  }
}

/** Of a store that keeps timestamps. */
export class TimestampedRow extends Row {
  timestampMs = -1
}

/** As the record cache holds it back, of any store, and as it stays until the commit. */
export class CachedRow extends TimestampedRow {
  /** Travel with the forwarded update. */
  headers: Headers = NO_HEADERS
}

/** Stands for "looked up below and not there". Never changed. */
export const ABSENT = new Row()
ABSENT.deleted = true

/** Stands below a page that was taken from there to be changed: it is on disk, and nobody looks at it. Never changed. */
export const ON_DISK = new Row()

/** Items of one group in the record cache, by their keys, ascending. */
export interface HeldItems {
  readonly keys: string[]
  readonly entries: Entry[]
}

/** In which linked list an entry is: none, the clean entries of all stores, or the dirty ones of its store's record cache. */
export type EntryList = 0 | 1 | 2
export const IN_NO_LIST = 0
export const IN_CLEAN_LIST = 1
export const IN_CACHE_LIST = 2

/** What one entry costs beside its key and value: the entry, its row, the map slot. Measured, rounded up. */
export const ENTRY_BYTES = 240

/**
 * A key that is in memory, with its versions from newest to oldest: what the record cache holds back, what the active
 * generation wrote, what the sealed one wrote, and what the raw store holds. One map look-up finds them all.
 */
export class Entry {
  readonly table: VersionTable
  /** Bytes of the key as latin1. */
  readonly key: string
  cached: CachedRow | undefined = undefined
  active: Version | undefined = undefined
  sealed: Version | undefined = undefined
  /** Undefined: not looked up. */
  clean: Version | undefined = undefined
  list: EntryList = IN_NO_LIST
  previous: Entry | undefined = undefined
  next: Entry | undefined = undefined
  /** Items of a group that the record cache holds back: of the group's first page only. */
  held: HeldItems | undefined = undefined
  /** In the list of clean entries: since it was last at its end. */
  used = false
  /** What it counts in its list. */
  listBytes = 0
  /** No longer in its table: whoever kept it must look its key up anew. */
  dropped = false

  constructor(table: VersionTable, key: string) {
    this.table = table
    this.key = key
  }
}

/** Whether the entry holds nothing but what is on disk. */
export function isClean(entry: Entry): boolean {
  return (
    entry.cached === undefined && entry.active === undefined && entry.sealed === undefined && entry.held === undefined
  )
}

/**
 * Primitives are kept decoded, except those that common serdes do not give back as they were put: a value must not
 * depend on whether it was read before or after a commit.
 */
export function isKeepable(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'string':
    case 'boolean':
    case 'bigint':
      return true
    default:
      return false
  }
}
