import { type Entry, type EntryList, IN_NO_LIST } from './row.ts'

/** Entries from the eldest to the newest, linked through themselves, with the sum of their bytes. */
export class LinkedEntries {
  eldest: Entry | undefined = undefined
  private newest: Entry | undefined = undefined
  bytes = 0
  private readonly mark: EntryList

  constructor(mark: EntryList) {
    this.mark = mark
  }

  append(entry: Entry, bytes: number): void {
    entry.list = this.mark
    entry.listBytes = bytes
    this.bytes += bytes
    this.link(entry)
  }

  remove(entry: Entry): void {
    this.unlink(entry)
    this.bytes -= entry.listBytes
    entry.list = IN_NO_LIST
  }

  touch(entry: Entry): void {
    if (entry === this.newest) return
    this.unlink(entry)
    this.link(entry)
  }

  resize(entry: Entry, bytes: number): void {
    this.bytes += bytes - entry.listBytes
    entry.listBytes = bytes
  }

  clear(): void {
    this.eldest = undefined
    this.newest = undefined
    this.bytes = 0
  }

  private link(entry: Entry): void {
    const last = this.newest
    entry.previous = last
    entry.next = undefined
    if (last === undefined) this.eldest = entry
    else last.next = entry
    this.newest = entry
  }

  private unlink(entry: Entry): void {
    const { previous, next } = entry
    if (previous === undefined) this.eldest = next
    else previous.next = next
    if (next === undefined) this.newest = previous
    else next.previous = previous
    entry.previous = undefined
    entry.next = undefined
  }
}
