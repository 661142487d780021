import { LinkedEntries } from './linked-entries.ts'
import { type Entry, IN_CLEAN_LIST } from './row.ts'

/** What one entry costs beside its key and value: the entry, its row, the map slot. Measured, rounded up. */
const ENTRY_BYTES = 240

/** Entries of all stores of a task that equal the raw store, least recently used first; bounded in bytes. */
export class CleanCache {
  private readonly entries = new LinkedEntries(IN_CLEAN_LIST)
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  add(entry: Entry): void {
    this.entries.append(entry, ENTRY_BYTES + entry.key.length + (entry.clean?.valueBytes ?? 0))
    while (this.entries.bytes > this.maxBytes) {
      const eldest = this.entries.eldest
      // The newest stays: its caller is about to use it.
      if (eldest === undefined || eldest === entry) return
      this.entries.remove(eldest)
      eldest.table.forget(eldest)
    }
  }

  /** The entry's clean row has become larger. Evicts nothing: its caller is using the entry. */
  resize(entry: Entry): void {
    this.entries.resize(entry, ENTRY_BYTES + entry.key.length + (entry.clean?.valueBytes ?? 0))
  }

  touch(entry: Entry): void {
    this.entries.touch(entry)
  }

  remove(entry: Entry): void {
    this.entries.remove(entry)
  }
}
