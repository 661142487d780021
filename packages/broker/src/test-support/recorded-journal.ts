import type { JournalEntry, StateJournal } from '../storage/state-journal.ts'

/** A journal whose text can be read, and read again as by the next process. */
export class RecordedJournal implements StateJournal {
  lines: string[] = []
  isLarge = false
  readonly #earlier: readonly string[]

  constructor(earlier: readonly string[] = []) {
    this.#earlier = earlier
    this.lines = [...earlier]
  }

  *replay(): Iterable<JournalEntry> {
    for (const line of this.#earlier) yield JSON.parse(line) as JournalEntry
  }

  append(entry: JournalEntry): void {
    this.lines.push(JSON.stringify(entry))
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
