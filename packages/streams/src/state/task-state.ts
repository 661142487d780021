import type { Headers, StateStore } from '../core/index.ts'

/**
 * All stores of one task over one RawStore: what the runtime needs of the state layer.
 *
 * Life: open → restore… → (process → flushCaches → seal → written | discard)… → close.
 */
export interface TaskState {
  readonly stores: ReadonlyMap<string, StateStore>
  /** Offset up to which each changelogged store is on disk, as read when opened; absent: nothing is. */
  readonly checkpoints: ReadonlyMap<string, number>

  /**
   * Puts changelog records into a store, and writes them, with the offset up to which it is restored then, in one atomic batch. Takes all
   * of `records` before it returns; what `next` throws is what it fails with, and then nothing is written. After a failure the store is to be
   * cleared, or the state closed.
   *
   * @throws StreamsError `STORE_NOT_FOUND`
   */
  restore(storeName: string, records: RecordsToRestore): Promise<void>
  /** Empties one store, cache and checkpoint included, for a rebuild from its changelog. */
  clearStore(storeName: string): Promise<void>

  /** Forwards what the caches hold, in the order of `stores` (topological), again until nothing is dirty. Synchronous. */
  flushCaches(): void
  /** Bytes of uncommitted writes, both generations. */
  readonly uncommittedBytes: number
  /** Ends the active generation: later writes go to a new one. At most one sealed generation at a time. */
  seal(): void
  /** After the commit: writes the sealed generation and the changelog offsets, atomically. */
  writeSealed(changelogOffsets: ReadonlyMap<string, number>): Promise<void>
  /** After an abort: forgets both generations and the caches. Reads then see the last commit. */
  discard(): void
  /** One bounded step of deleting expired windows; true when more is left. Called between commits. */
  expireStep(): Promise<boolean>
  approximateBytes(): Promise<number>
  close(): Promise<void>
}

/** A changelog's records, one after the other, under a cursor. */
export interface RecordsToRestore {
  /** Moves to the next; false after the last that is to be written in one batch. */
  next(): boolean
  readonly buffer: Uint8Array
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  /** -1 for a null value, which deletes. */
  readonly valueEnd: number
  readonly timestampMs: number
  /** Up to which offset the store is restored; asked for after the last record. Undefined: that is not to be noted. */
  readonly restoredTo: number | undefined
  /** Nothing follows in another batch; asked for after the last record. */
  readonly isDone: boolean
}

/** Where a store's changes go, already bound to its changelog topic and partition. Bytes are copied by the callee. */
export type ChangelogAppender = (
  key: Uint8Array,
  value: Uint8Array | null,
  timestampMs: number,
  headers: Headers
) => void

/**
 * What a flush of a record cache is to the runtime: it may come in the midst of a record that has nothing to do with what is
 * flushed, and what fails in it must not be taken for a failure of that record.
 */
export interface CacheFlushing {
  /** Calls `flush`. */
  run(flush: () => void): void
  /** An update was refused by the changelog, or could not be forwarded; the next one follows. Throws to give up the flush. */
  failed(storeName: string, error: unknown): void
}
