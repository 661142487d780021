import type { RecordsToRestore } from '../task-state.ts'

export interface ListedRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly timestampMs: number
}

/** Records of a changelog that lie one after the other in one buffer; what lay there before is gone with each. */
export class ListedRecords implements RecordsToRestore {
  readonly buffer: Buffer
  readonly restoredTo: number | undefined
  readonly keyStart = 1
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  timestampMs = 0
  readonly isDone = false
  private readonly records: readonly ListedRecord[]
  private at = 0

  constructor(records: readonly ListedRecord[], restoredTo?: number) {
    this.records = records
    this.restoredTo = restoredTo
    const lengths = records.map(({ key, value }) => key.length + (value?.length ?? 0))
    this.buffer = Buffer.alloc(this.keyStart + Math.max(0, ...lengths))
  }

  next(): boolean {
    const record = this.records[this.at++]
    if (record === undefined) return false
    const { key, value, timestampMs } = record
    this.buffer.fill(0)
    this.buffer.set(key, this.keyStart)
    this.keyEnd = this.keyStart + key.length
    this.valueStart = this.keyEnd
    if (value !== null) this.buffer.set(value, this.valueStart)
    this.valueEnd = value === null ? -1 : this.valueStart + value.length
    this.timestampMs = timestampMs
    return true
  }
}
