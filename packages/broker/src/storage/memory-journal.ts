import type { JournalEntry, StateJournal } from './state-journal.ts'

/**
 * A journal is rewritten when it has at least this many entries, and three times as many as the last rewriting left.
 */
const LARGE_ENTRY_COUNT = 1000

/** Remembers for as long as the process lives, so that a broker can be restarted within it. */
export class MemoryJournal implements StateJournal {
  #entries: string[] = []
  #keptCount = 0

  /** What was appended before this call. */
  replay(): Iterable<JournalEntry> {
    return this.#entries.slice().map(entry => JSON.parse(entry) as JournalEntry)
  }

  append(...entries: readonly JournalEntry[]): void {
    // As text, so that no object is shared with whoever appends it, and what cannot be kept on disk fails here too.
    for (const entry of entries) this.#entries.push(JSON.stringify(entry))
  }

  get isLarge(): boolean {
    return this.#entries.length >= LARGE_ENTRY_COUNT && this.#entries.length > 3 * this.#keptCount
  }

  rewrite(entries: Iterable<JournalEntry>): void {
    this.#entries = Array.from(entries, entry => JSON.stringify(entry))
    this.#keptCount = this.#entries.length
  }
}
