import { type Serde, StreamsError } from '../../core/index.ts'
import type { RawRange, RawStore, RawWrite } from '../../ports/index.ts'
import type { StoreKind, StoreSpec } from '../../topology/index.ts'
import { MemoryRawStore } from '../memory-raw-store.ts'
import { copyWrites } from '../sealed-writes.ts'

export const text: Serde<string> = {
  name: 'text',
  serialize: value => Buffer.from(value),
  deserialize: bytes => Buffer.from(bytes).toString()
}

// biome-ignore lint/suspicious/noExplicitAny: JSON is anything.
export const json: Serde<any> = {
  name: 'json',
  serialize: value => Buffer.from(JSON.stringify(value)),
  deserialize: bytes => JSON.parse(Buffer.from(bytes).toString())
}

export function storeSpec(name: string, kind: StoreKind, options: Partial<StoreSpec> = {}): StoreSpec {
  const isWindow = kind === 'timestamped-window' || kind === 'window'
  return {
    name,
    kind,
    key: text,
    value: json,
    persistent: true,
    caching: true,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: isWindow ? 1000 : undefined,
    retentionMs: isWindow || kind === 'session' ? 200_000 : undefined,
    historyRetentionMs: kind === 'versioned-key-value' ? 100_000 : undefined,
    ...options
  }
}

/** A disk that outlives the raw stores opened on it, and that can be made to fail. */
export class MemoryDisk {
  private readonly store = new MemoryRawStore()
  writeCount = 0
  /** The number of the write that fails, counted from 1. */
  failWrite = 0

  open(): RawStore {
    const { store } = this
    return {
      getSync: (key: Uint8Array) => store.getSync(key),
      write: async (writes: Iterable<RawWrite>) => {
        const copies = copyWrites(writes)
        await this.mayWrite()
        await store.write(copies)
      },
      iterate: (range: RawRange) => store.iterate(range),
      clear: async (range: RawRange, limit: number) => {
        await this.mayWrite()
        return store.clear(range, limit)
      },
      approximateBytes: () => store.approximateBytes(),
      close: async () => {}
    }
  }

  private async mayWrite(): Promise<void> {
    await Promise.resolve()
    if (++this.writeCount === this.failWrite) throw new StreamsError('STATE_WRITE_FAILED', 'The disk is full.')
  }
}

/** A small generator of numbers in [0, 1) from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
