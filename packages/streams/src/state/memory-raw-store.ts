import { StreamsError } from '../core/index.ts'
import type { RawRange, RawRow, RawStore, RawWrite } from '../ports/index.ts'
import { latin1Bytes, latin1Of } from './latin1.ts'
import { OrderedKeys } from './ordered-keys.ts'

const MIN_GONE_KEYS = 1024

/** A raw store in memory: for stores that are not persistent, for the test driver and for simulations. */
export class MemoryRawStore implements RawStore {
  /** Keys and values as latin1: a text costs 16 bytes beside its own, a typed array more than 200. */
  private readonly values = new Map<string, string>()
  /** Also of keys that are gone, until somebody reads in order or there are too many of them. */
  private keys = new OrderedKeys()
  /** New keys, which nobody has read in order yet. */
  private newKeys: string[] = []
  private goneKeys = 0
  private bytes = 0
  private closed = false

  getSync(key: Uint8Array): Uint8Array | undefined {
    if (this.closed) throw closedError()
    const value = this.values.get(latin1Of(key))
    return value === undefined ? undefined : latin1Bytes(value)
  }

  async write(writes: Iterable<RawWrite>): Promise<void> {
    if (this.closed) throw closedError()
    // All before the first: should one throw, nothing has happened.
    const keys: string[] = []
    const values: (string | undefined)[] = []
    for (const { key, value } of writes) {
      keys.push(latin1Of(key))
      values.push(value === null ? undefined : latin1Of(value))
    }
    for (let i = 0; i < keys.length; i++) {
      const value = values[i]
      if (value === undefined) this.remove(keys[i] as string)
      else this.set(keys[i] as string, value)
    }
  }

  async *iterate(range: RawRange): AsyncIterableIterator<RawRow> {
    if (this.closed) throw closedError()
    const keys = this.keysOf(range, Number.POSITIVE_INFINITY)
    if (range.reverse === true) keys.reverse()
    // Values are replaced, never changed: holding them is the snapshot.
    const values = keys.map(key => this.values.get(key) as string)
    for (let i = 0; i < keys.length; i++) {
      yield { key: latin1Bytes(keys[i] as string), value: latin1Bytes(values[i] as string) }
    }
  }

  async clear(range: RawRange, limit: number): Promise<number> {
    if (this.closed) throw closedError()
    const keys = this.keysOf(range, limit)
    for (const key of keys) this.remove(key)
    return keys.length
  }

  async approximateBytes(): Promise<number> {
    return this.bytes
  }

  async close(): Promise<void> {
    this.closed = true
  }

  private keysOf(range: RawRange, limit: number): string[] {
    // All at once and sorted: one after the other would be a search and a splice for each put.
    for (const key of this.newKeys.sort()) if (this.values.has(key)) this.keys.add(key)
    this.newKeys = []
    const to = range.to === undefined ? undefined : latin1Of(range.to)
    let from = range.from === undefined ? '' : latin1Of(range.from)
    const found: string[] = []
    for (;;) {
      const wanted = limit - found.length
      const keys = this.keys.slice(from, to, wanted)
      for (const key of keys) {
        if (this.values.has(key)) found.push(key)
        else this.keys.delete(key)
      }
      if (keys.length < wanted || found.length === limit) return found
      from = `${keys.at(-1)}\0`
    }
  }

  private set(key: string, value: string): void {
    const before = this.values.get(key)
    if (before === undefined) {
      this.newKeys.push(key)
      this.bytes += key.length + value.length
    } else this.bytes += value.length - before.length
    this.values.set(key, value)
  }

  private remove(key: string): void {
    const before = this.values.get(key)
    if (before === undefined) return
    this.values.delete(key)
    this.bytes -= key.length + before.length
    if (++this.goneKeys <= this.values.size + MIN_GONE_KEYS) return
    this.keys = OrderedKeys.of(this.values.keys())
    this.newKeys = []
    this.goneKeys = 0
  }
}

function closedError(): StreamsError {
  return new StreamsError('STORE_CLOSED', 'The memory store was used after it was closed. Open the task again.')
}
