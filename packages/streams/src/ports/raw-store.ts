/**
 * The bytes of one task's state: an ordered map, keys compared as unsigned bytes. Stores of a task share one,
 * apart by key prefix. Writes arrive only as whole batches, after a commit.
 */
export interface RawStore {
  /** Synchronous: it is on the record path. The result is owned by the caller. */
  getSync(key: Uint8Array): Uint8Array | undefined
  /**
   * Atomic: after a crash all or nothing is there. A null value deletes. Takes all of `writes` before it returns, and copies the
   * bytes of each before it takes the next: they may be the same object and buffers, filled anew. What `writes` throws is thrown on,
   * and nothing is written.
   */
  write(writes: Iterable<RawWrite>, options?: RawWriteOptions): Promise<void>
  /** Ascending over [from, to); sees a consistent snapshot taken at the first step. An absent bound is open. */
  iterate(range: RawRange): AsyncIterableIterator<RawRow>
  /** Deletes up to `limit` keys of [from, to); resolves to how many it deleted, fewer than `limit` when none is left. */
  clear(range: RawRange, limit: number): Promise<number>
  /** Bytes on disk or in memory, roughly; for metrics. */
  approximateBytes(): Promise<number>
  close(): Promise<void>
}

export interface RawWrite {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export interface RawWriteOptions {
  /** Of many that come at once, not the last: it may leave more in memory, to be done sooner. Looked at when all was taken. Default false. */
  readonly bulk?: boolean
}

export interface RawRow {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface RawRange {
  readonly from?: Uint8Array | undefined
  readonly to?: Uint8Array | undefined
  readonly reverse?: boolean | undefined
}

/** Where the raw stores of an application live. One per process; several processes may share a directory. */
export interface RawStoreProvider {
  /**
   * Opens the state of a task and locks it for this process.
   *
   * @returns `fresh` when it held nothing.
   * @throws StreamsError `STATE_DIRECTORY_LOCKED` (held by another live process: its pid and start time in `details`),
   *   `STATE_DIRECTORY_UNUSABLE`, `STATE_CORRUPT`, `STATE_FORMAT_UNKNOWN`.
   */
  open(taskId: string): Promise<{ readonly store: RawStore; readonly fresh: boolean }>
  /** Deletes the state of a task that is not open here, for a rebuild. */
  destroy(taskId: string): Promise<void>
  /** Ids of tasks that have state here: they are assigned here again if possible. */
  list(): Promise<readonly string[]>
  /**
   * A name, stable across restarts, that no other live process on this directory holds: part of the transactional id,
   * so that a restart fences its predecessor at once.
   */
  claimProcessName(): Promise<string>
  close(): Promise<void>
}
