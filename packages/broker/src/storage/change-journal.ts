import type { Logger } from '@millrace/streams/ports'
import { StorageError } from './log-storage.ts'
import type { JournalEntry, StateJournal } from './state-journal.ts'

export interface ChangeJournalParts<E extends object> {
  readonly journal: StateJournal
  /** Everything that is true now, as entries that make it so. */
  readonly present: () => Iterable<E>
  readonly logger: Logger
}

/**
 * The journal of one owner of state: changes are written down before they are made, so that none shows that a restart
 * would not know of. Once it is large it is rewritten as what is true at that time.
 */
export class ChangeJournal<E extends object> {
  readonly #parts: ChangeJournalParts<E>

  constructor(parts: ChangeJournalParts<E>) {
    this.#parts = parts
  }

  /** What earlier runs appended, oldest first. */
  replay(): Iterable<E> {
    return this.#parts.journal.replay() as Iterable<E & JournalEntry>
  }

  /**
   * Writes down changes that are made next: all of them or none.
   *
   * @throws StorageError when there is no room, or the disk fails.
   */
  append(...changes: readonly E[]): void {
    const { journal } = this.#parts
    // Before, not after: what is true now does not have these changes yet.
    if (journal.isLarge) this.#rewrite()
    journal.append(...(changes as readonly (E & JournalEntry)[]))
  }

  #rewrite(): void {
    const { journal, present, logger } = this.#parts
    try {
      journal.rewrite(present() as Iterable<E & JournalEntry>)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      logger.warn('A journal stays long: it cannot be rewritten.', { error })
    }
  }
}
