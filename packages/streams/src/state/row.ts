import { type Headers, NO_HEADERS } from '../core/index.ts'
import type { RowTable } from './row-table.ts'

/** Marks a row whose value is there as bytes only. */
export const NOT_DECODED: unique symbol = Symbol('not decoded')

/**
 * One version of a row. Its value is held decoded when it is a primitive, which nobody can change; anything else only
 * as bytes, because the user may mutate the object that was given or got.
 */
export class Row {
  value: unknown = NOT_DECODED
  /** The encoded value from `offset` on; undefined while a primitive was not encoded. */
  bytes: Uint8Array | undefined = undefined
  offset = 0
  timestampMs = -1
  deleted = false
  /** Only in the record cache: they travel with the forwarded update. */
  headers: Headers = NO_HEADERS

  /** Roughly; strings that were not encoded are taken as ASCII. */
  get valueBytes(): number {
    if (this.bytes !== undefined) return this.bytes.length - this.offset
    return typeof this.value === 'string' ? this.value.length : 8
  }
}

/** Stands for "looked up below and not there". Never changed. */
export const ABSENT = new Row()
ABSENT.deleted = true

/** In which linked list an entry is: none, the clean entries of all stores, or the dirty ones of its store's record cache. */
export type EntryList = 0 | 1 | 2
export const IN_NO_LIST = 0
export const IN_CLEAN_LIST = 1
export const IN_CACHE_LIST = 2

/**
 * A key that is in memory, with its versions from newest to oldest: what the record cache holds back, what the active
 * generation wrote, what the sealed one wrote, and what the raw store holds. One map look-up finds them all.
 */
export class Entry {
  readonly table: RowTable
  /** Bytes of the key as latin1. */
  readonly key: string
  cached: Row | undefined = undefined
  active: Row | undefined = undefined
  sealed: Row | undefined = undefined
  /** Undefined: not looked up. */
  clean: Row | undefined = undefined
  list: EntryList = IN_NO_LIST
  previous: Entry | undefined = undefined
  next: Entry | undefined = undefined
  /** What it counts in its list. */
  listBytes = 0
  /** No longer in its table: whoever kept it must look its key up anew. */
  dropped = false

  constructor(table: RowTable, key: string) {
    this.table = table
    this.key = key
  }
}
