import { StreamsError } from '@millrace/streams/core'
import type { RawStore, RawStoreProvider, RawWrite } from '@millrace/streams/ports'
import { MemoryRawStore } from '@millrace/streams/state'

/** State that outlives the application, on a disk whose n-th write fails. */
export class FaultyDisk {
  readonly #stores = new Map<string, MemoryRawStore>()
  #writes = 0
  #failAt = 0
  failures = 0

  /** From now on, the `nth` write and all after it fail; 0: none. */
  failAt(nth: number): void {
    this.#writes = 0
    this.#failAt = nth
    this.failures = 0
  }

  /** What one application sees of it. */
  provider(): RawStoreProvider {
    return {
      open: async taskId => {
        const fresh = !this.#stores.has(taskId)
        const store = this.#stores.get(taskId) ?? new MemoryRawStore()
        this.#stores.set(taskId, store)
        return { store: this.#faulty(store), fresh }
      },
      destroy: async taskId => {
        this.#stores.delete(taskId)
      },
      list: async () => [...this.#stores.keys()],
      claimProcessName: async () => 'faulty-disk-0',
      close: async () => {}
    }
  }

  #faulty(store: MemoryRawStore): RawStore {
    return {
      getSync: key => store.getSync(key),
      write: async (writes: Iterable<RawWrite>) => {
        this.#count()
        await store.write(writes)
      },
      iterate: range => store.iterate(range),
      clear: async (range, limit) => {
        this.#count()
        return await store.clear(range, limit)
      },
      approximateBytes: () => store.approximateBytes(),
      close: async () => {}
    }
  }

  #count(): void {
    this.#writes++
    if (this.#failAt === 0 || this.#writes < this.#failAt) return
    this.failures++
    throw new StreamsError('STATE_WRITE_FAILED', `Write ${this.#writes} found no space left on the disk. Free some.`)
  }
}
