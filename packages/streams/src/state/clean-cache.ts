import { LinkedEntries } from './linked-entries.ts'
import { ENTRY_BYTES, type Entry, IN_CLEAN_LIST, isClean, type Version } from './row.ts'

/** Of one entry's coming: when all are in use, the eldest must not wait for a walk through all of them. */
const MAX_SECOND_CHANCES = 64

/**
 * Entries of all stores of a task that equal the raw store, bounded in bytes. The eldest goes first, unless it was used since it came
 * to be the eldest: then it has a second chance. So use costs one flag, and not a move within a list that lies all over the memory.
 * For the same reason an entry that is written stays here until it would be evicted.
 */
export class CleanCache {
  private readonly entries = new LinkedEntries(IN_CLEAN_LIST)
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  add(entry: Entry): void {
    entry.used = false
    this.entries.append(entry, bytesOf(entry, entry.clean))
    let chances = MAX_SECOND_CHANCES
    while (this.entries.bytes > this.maxBytes) {
      const eldest = this.entries.eldest as Entry
      if (!isClean(eldest)) {
        this.entries.remove(eldest)
        continue
      }
      if (eldest.used && chances-- > 0) {
        eldest.used = false
        const { clean } = eldest
        if (clean !== undefined && !clean.deleted) eldest.table.repack(clean)
        this.entries.touch(eldest)
        continue
      }
      // The newest stays: its caller is about to use it.
      if (eldest === entry) {
        if (eldest.next === undefined) return
        this.entries.touch(eldest)
        continue
      }
      this.entries.remove(eldest)
      eldest.table.forget(eldest)
    }
  }

  /** The entry's clean row is about to be this one. Evicts nothing: its caller is using the entry. */
  resize(entry: Entry, clean: Version): void {
    this.entries.resize(entry, bytesOf(entry, clean))
  }

  touch(entry: Entry): void {
    entry.used = true
  }

  remove(entry: Entry): void {
    this.entries.remove(entry)
  }
}

function bytesOf(entry: Entry, clean: Version | undefined): number {
  return ENTRY_BYTES + entry.key.length + (clean?.valueBytes ?? 0)
}
