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

  /** Puts one changelog record into the store; `value` null deletes. Bytes are copied. */
  restore(storeName: string, key: Uint8Array, value: Uint8Array | null, timestampMs: number): void
  /** Writes what was restored, with the offsets up to which it was, in one atomic batch. */
  writeRestored(offsets: ReadonlyMap<string, number>): Promise<void>
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
