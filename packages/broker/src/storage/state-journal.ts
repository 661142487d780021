/** What a journal takes: plain JSON. Write bigints and bytes as text. */
export type JournalEntry = { readonly [field: string]: unknown }

/**
 * Remembers the state of one part of the broker as a list of changes. In memory it lasts as long as the process; on
 * disk an entry outlives the process from the return of `append` on, and a torn last entry is dropped.
 */
export interface StateJournal {
  /** Yields what earlier runs appended, oldest first. Call it once, before the first `append`. */
  replay(): Iterable<JournalEntry>
  /**
   * All of them or none.
   *
   * @throws StorageError when there is no room, or the disk fails.
   */
  append(...entries: readonly JournalEntry[]): void
  /** Whether so much was appended since the last `rewrite` that one is due. */
  readonly isLarge: boolean
  /**
   * Replaces the whole content, atomically: what is true now instead of how it came to be so.
   *
   * @throws StorageError when that fails; everything is then as it was.
   */
  rewrite(entries: Iterable<JournalEntry>): void
}
