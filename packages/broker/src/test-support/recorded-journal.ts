import { StorageError } from '../storage/log-storage.ts'
import type { JournalEntry, StateJournal } from '../storage/state-journal.ts'

/** A journal whose text can be read, and read again as by the next process. */
export class RecordedJournal implements StateJournal {
  lines: string[] = []
  isLarge = false
  /** Appends left until one fails, as on a full disk; later ones succeed. */
  failsAfter = Infinity
  readonly #earlier: readonly string[]

  constructor(earlier: readonly string[] = []) {
    this.#earlier = earlier
    this.lines = [...earlier]
  }

  *replay(): Iterable<JournalEntry> {
    for (const line of this.#earlier) yield JSON.parse(line) as JournalEntry
  }

  append(...entries: readonly JournalEntry[]): void {
    if (this.failsAfter-- === 0) throw new StorageError('The disk is full.')
    for (const entry of entries) this.lines.push(JSON.stringify(entry))
  }

  rewrite(entries: Iterable<JournalEntry>): void {
    this.lines = [...entries].map(entry => JSON.stringify(entry))
    this.isLarge = false
  }

  /** As the next process finds it. */
  reopened(): RecordedJournal {
    return new RecordedJournal(this.lines)
  }
}
