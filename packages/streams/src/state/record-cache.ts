import { LinkedEntries } from './linked-entries.ts'
import { type CachedRow, type Entry, IN_CACHE_LIST, IN_NO_LIST } from './row.ts'

/** What one update costs in the cache beside its key and value. */
const UPDATE_BYTES = 64

/** A store whose updates a record cache holds back. */
export interface RecordCacheStore {
  flushEntry(entry: Entry, row: CachedRow): void
  /** That threw. Throws when the rest of the flush is to be given up. */
  flushFailed(error: unknown): void
}

interface HeldBack {
  readonly entries: LinkedEntries
  flushing: boolean
}

/**
 * Updates that all stores of a task hold back, so that several updates of a key become one. Bounded in bytes: what
 * exceeds them flushes the store that put last, whole, as Kafka Streams does when it evicts a dirty entry.
 *
 * @see Kafka Streams `ThreadCache`, `NamedCache`
 */
export class RecordCache {
  private readonly maxBytes: number
  private readonly whileFlushing: (flush: () => void) => void
  private readonly stores = new Map<RecordCacheStore, HeldBack>()
  private bytes = 0
  private flushes = 0

  /** @param whileFlushing - calls what it is given: a flush may come in the midst of a record that has nothing to do with it. */
  constructor(maxBytes: number, whileFlushing: (flush: () => void) => void) {
    this.maxBytes = maxBytes
    this.whileFlushing = whileFlushing
  }

  /** Of any store: what is forwarded now was put earlier. */
  get isFlushing(): boolean {
    return this.flushes > 0
  }

  put(store: RecordCacheStore, entry: Entry, valueBytes: number): void {
    let held = this.stores.get(store)
    if (held === undefined) {
      held = { entries: new LinkedEntries(IN_CACHE_LIST), flushing: false }
      this.stores.set(store, held)
    }
    const { entries } = held
    const before = entries.bytes
    const bytes = UPDATE_BYTES + entry.key.length + valueBytes
    if (entry.list === IN_CACHE_LIST) {
      entries.resize(entry, bytes)
      // Flushed in the order of their last update, as in Kafka Streams.
      entries.touch(entry)
    } else {
      if (entry.list !== IN_NO_LIST) entry.table.takeFromClean(entry)
      entries.append(entry, bytes)
    }
    this.bytes += entries.bytes - before
    if (this.bytes > this.maxBytes) this.flush(store)
  }

  /**
   * Empties what the store holds back at this moment. Updates put meanwhile wait for the next flush: they must not
   * overtake the older ones of this flush. One that fails is left behind. Returns false when there was nothing.
   */
  flush(store: RecordCacheStore): boolean {
    const held = this.stores.get(store)
    if (held === undefined || held.flushing || held.entries.eldest === undefined) return false
    this.flushes++
    try {
      this.whileFlushing(() => this.flushHeld(store, held))
    } finally {
      this.flushes--
    }
    return true
  }

  private flushHeld(store: RecordCacheStore, held: HeldBack): void {
    held.flushing = true
    const entries: Entry[] = []
    const rows: CachedRow[] = []
    let flushed = 0
    try {
      for (let entry = held.entries.eldest as Entry | undefined; entry !== undefined; entry = held.entries.eldest) {
        entries.push(entry)
        rows.push(entry.cached as CachedRow)
        held.entries.remove(entry)
        this.bytes -= entry.listBytes
      }
      while (flushed < entries.length) {
        const at = flushed++
        try {
          store.flushEntry(entries[at] as Entry, rows[at] as CachedRow)
        } catch (error) {
          store.flushFailed(error)
        }
      }
    } finally {
      held.flushing = false
      // One failed, and that was not let pass: those behind it wait for the next flush, but for what was put anew meanwhile.
      for (let i = flushed; i < entries.length; i++) {
        const entry = entries[i] as Entry
        if (entry.cached !== rows[i] || entry.list !== IN_NO_LIST) continue
        held.entries.append(entry, entry.listBytes)
        this.bytes += entry.listBytes
      }
    }
  }

  /** Forgets what the store holds back. */
  drop(store: RecordCacheStore): void {
    const held = this.stores.get(store)
    if (held === undefined) return
    this.bytes -= held.entries.bytes
    held.entries.clear()
  }
}
