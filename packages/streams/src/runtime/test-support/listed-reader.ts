import type { PartitionReader } from '../../ports/index.ts'

/** Undefined: compacted away, or a marker. An error is thrown when the record is read. */
export type ListedRecord = { readonly key: string | null; readonly value: string | null } | Error | undefined

/** A reader of `records`, which may grow; each has its index as offset and as timestamp. */
export function listedReader(records: readonly ListedRecord[], start = 0): PartitionReader {
  let position = start
  const reader = {
    topic: 'rows-changelog',
    partition: 0,
    get position() {
      return position
    },
    offset: -1,
    timestampMs: -1,
    buffer: Buffer.alloc(0),
    keyStart: 0,
    keyEnd: 0,
    valueStart: 0,
    valueEnd: 0,
    next: () => {
      while (position < records.length) {
        const record = records[position]
        if (record instanceof Error) throw record
        reader.offset = position
        reader.timestampMs = position++
        if (record === undefined) continue
        reader.buffer = Buffer.from(`${record.key ?? ''}${record.value ?? ''}`)
        const keyLength = Buffer.byteLength(record.key ?? '')
        reader.keyEnd = record.key === null ? -1 : keyLength
        reader.valueStart = keyLength
        reader.valueEnd = record.value === null ? -1 : reader.buffer.length
        return true
      }
      return false
    },
    /** As a fetcher's `add` of a partition that it has. */
    moveTo: (offset: number) => {
      position = offset
    }
  }
  return reader as unknown as PartitionReader
}
