import type { RawStore, RawStoreProvider } from '@millrace/streams/ports'
import { MemoryRawStore } from '@millrace/streams/state'

/** State in memory that is still there when it is opened again, as it is on a disk. */
export class MemoryStoreProvider implements RawStoreProvider {
  readonly #kept = new Map<string, MemoryRawStore>()

  async open(taskId: string): Promise<{ readonly store: RawStore; readonly fresh: boolean }> {
    const kept = this.#kept.get(taskId)
    const raw = kept ?? new MemoryRawStore()
    this.#kept.set(taskId, raw)
    return { store: keptOpen(raw), fresh: kept === undefined }
  }

  async destroy(taskId: string): Promise<void> {
    this.#kept.delete(taskId)
  }

  async list(): Promise<readonly string[]> {
    return [...this.#kept.keys()]
  }

  async claimProcessName(): Promise<string> {
    return 'memory'
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(raw => raw.close()))
  }
}

/** Whoever is done with a store closes it; what it holds must outlive that. */
function keptOpen(raw: RawStore): RawStore {
  return {
    getSync: key => raw.getSync(key),
    write: writes => raw.write(writes),
    iterate: range => raw.iterate(range),
    clear: (range, limit) => raw.clear(range, limit),
    approximateBytes: () => raw.approximateBytes(),
    close: async () => {}
  }
}
