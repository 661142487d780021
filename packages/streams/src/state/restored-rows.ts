import type { RawWrite } from '../ports/index.ts'
import { copyBytes } from './byte-chunks.ts'
import { ExactBuffers } from './exact-buffers.ts'
import { latin1Bytes } from './latin1.ts'
import { writeInteger } from './raw-layout.ts'
import type { WriteSource } from './sealed-writes.ts'

const FIRST_BYTES = 64 * 1024
const TIMESTAMP_BYTES = 8
/** What a row costs beside its bytes. */
const BOUNDS_BYTES = 16
const DELETED = -1

/**
 * Rows of one store that were read from its changelog, until they are written: bytes one after the other, as the raw store is to have
 * them, and no object a row.
 */
export class RestoredRows implements WriteSource {
  private readonly prefix: Buffer
  private readonly timestamped: boolean
  private bytes = Buffer.alloc(0)
  private end = 0
  /** Of each row: where its key ends, and where its value does, or that it has none. */
  private bounds: number[] = []
  private readonly keys = new ExactBuffers()
  private readonly values = new ExactBuffers()
  private readonly write: { key: Uint8Array; value: Uint8Array | null } = { key: this.bytes, value: null }
  private nextBound = 0
  private nextStart = 0
  /** Rows put less rows deleted, not knowing which of them there were before. */
  rowsAdded = 0

  /** @param prefix - what the raw keys of the store begin with, as latin1. */
  constructor(prefix: string, timestamped: boolean) {
    this.prefix = latin1Bytes(prefix)
    this.timestamped = timestamped
  }

  get isEmpty(): boolean {
    return this.bounds.length === 0
  }

  get memoryBytes(): number {
    return this.end + BOUNDS_BYTES * (this.bounds.length / 2)
  }

  /** The changelog's key is the row's. Bytes are copied. */
  add(key: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    const { prefix } = this
    const keyEnd = this.end + prefix.length + key.length
    const valueAt = this.timestamped ? keyEnd + TIMESTAMP_BYTES : keyEnd
    const end = value === null ? keyEnd : valueAt + value.length
    if (end > this.bytes.length) this.grow(end)
    copyBytes(prefix, 0, prefix.length, this.bytes, this.end)
    copyBytes(key, 0, key.length, this.bytes, this.end + prefix.length)
    if (value !== null) {
      if (this.timestamped) writeInteger(this.bytes, keyEnd, timestampMs)
      copyBytes(value, 0, value.length, this.bytes, valueAt)
    }
    this.bounds.push(keyEnd, value === null ? DELETED : end)
    this.end = end
    this.rowsAdded += value === null ? -1 : 1
  }

  /** `nextWrite` hands out the rows from the first on. */
  startWriting(): void {
    this.nextBound = 0
    this.nextStart = 0
  }

  nextWrite(): RawWrite | undefined {
    if (this.nextBound === this.bounds.length) return undefined
    const keyEnd = this.bounds[this.nextBound++] as number
    const end = this.bounds[this.nextBound++] as number
    this.write.key = this.keys.holding(this.bytes, this.nextStart, keyEnd)
    this.write.value = end === DELETED ? null : this.values.holding(this.bytes, keyEnd, end)
    this.nextStart = end === DELETED ? keyEnd : end
    return this.write
  }

  clear(): void {
    this.bounds = []
    this.end = 0
    this.rowsAdded = 0
    this.startWriting()
  }

  /** Lets go of its memory. */
  release(): void {
    this.clear()
    this.bytes = Buffer.alloc(0)
  }

  private grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * this.bytes.length, bytes))
    this.bytes.copy(larger, 0, 0, this.end)
    this.bytes = larger
  }
}
