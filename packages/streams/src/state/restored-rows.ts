import type { RawWrite } from '../ports/index.ts'
import { copyBytes } from './byte-chunks.ts'
import { ExactBuffers } from './exact-buffers.ts'
import { latin1Bytes } from './latin1.ts'
import { writeInteger } from './raw-layout.ts'
import type { WriteSource } from './sealed-writes.ts'
import type { RecordsToRestore } from './task-state.ts'

const TIMESTAMP_BYTES = 8

/** Rows of a store whose changelog's records are its rows, on their way to the raw store: each is read when it is asked for. */
export class RestoredRows implements WriteSource {
  private readonly prefix: Buffer
  private readonly timestamped: boolean
  private records: RecordsToRestore | undefined
  private readonly keys = new ExactBuffers()
  private readonly values = new ExactBuffers()
  private readonly write: { key: Uint8Array; value: Uint8Array | null }
  /** Rows put less rows deleted, not knowing which of them there were before. */
  rowsAdded = 0

  /** @param prefix - what the raw keys of the store begin with, as latin1. */
  constructor(prefix: string, timestamped: boolean) {
    this.prefix = latin1Bytes(prefix)
    this.timestamped = timestamped
    this.write = { key: this.prefix, value: null }
  }

  startWriting(records: RecordsToRestore): void {
    this.records = records
    this.rowsAdded = 0
  }

  nextWrite(): RawWrite | undefined {
    const { prefix, records, write } = this
    if (records?.next() !== true) {
      this.records = undefined
      return undefined
    }
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = records
    const key = this.keys.ofLength(prefix.length + keyEnd - keyStart)
    copyBytes(prefix, 0, prefix.length, key, 0)
    copyBytes(buffer, keyStart, keyEnd, key, prefix.length)
    write.key = key
    write.value = valueEnd < 0 ? null : this.rawValueOf(buffer, valueStart, valueEnd, records.timestampMs)
    this.rowsAdded += valueEnd < 0 ? -1 : 1
    return write
  }

  private rawValueOf(buffer: Uint8Array, start: number, end: number, timestampMs: number): Uint8Array {
    if (!this.timestamped) return this.values.holding(buffer, start, end)
    const value = this.values.ofLength(TIMESTAMP_BYTES + end - start)
    writeInteger(value, 0, timestampMs)
    copyBytes(buffer, start, end, value, TIMESTAMP_BYTES)
    return value
  }
}
