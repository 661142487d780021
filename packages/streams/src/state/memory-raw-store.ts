import { StreamsError } from '../core/index.ts'
import type { RawRange, RawRow, RawStore, RawWrite } from '../ports/index.ts'
import { latin1Bytes, latin1Of } from './latin1.ts'
import { OrderedKeys } from './ordered-keys.ts'

/** A raw store in memory: for stores that are not persistent, for the test driver and for simulations. */
export class MemoryRawStore implements RawStore {
  private readonly values = new Map<string, Uint8Array>()
  private readonly keys = new OrderedKeys()
  private bytes = 0
  private closed = false

  getSync(key: Uint8Array): Uint8Array | undefined {
    if (this.closed) throw closedError()
    return this.values.get(latin1Of(key))?.slice()
  }

  async write(writes: readonly RawWrite[]): Promise<void> {
    if (this.closed) throw closedError()
    for (const write of writes) {
      const key = latin1Of(write.key)
      if (write.value === null) this.remove(key)
      else this.set(key, Uint8Array.from(write.value))
    }
  }

  async *iterate(range: RawRange): AsyncIterableIterator<RawRow> {
    if (this.closed) throw closedError()
    const keys = this.keysOf(range, Number.POSITIVE_INFINITY)
    if (range.reverse === true) keys.reverse()
    // Values are replaced, never changed: holding them is the snapshot.
    const values = keys.map(key => this.values.get(key) as Uint8Array)
    for (let i = 0; i < keys.length; i++) {
      yield { key: latin1Bytes(keys[i] as string), value: (values[i] as Uint8Array).slice() }
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
    const from = range.from === undefined ? '' : latin1Of(range.from)
    return this.keys.slice(from, range.to === undefined ? undefined : latin1Of(range.to), limit)
  }

  private set(key: string, value: Uint8Array): void {
    const before = this.values.get(key)
    if (before === undefined) {
      this.keys.add(key)
      this.bytes += key.length + value.length
    } else this.bytes += value.length - before.length
    this.values.set(key, value)
  }

  private remove(key: string): void {
    const before = this.values.get(key)
    if (before === undefined) return
    this.values.delete(key)
    this.keys.delete(key)
    this.bytes -= key.length + before.length
  }
}

function closedError(): StreamsError {
  return new StreamsError('STORE_CLOSED', 'The memory store was used after it was closed. Open the task again.')
}
