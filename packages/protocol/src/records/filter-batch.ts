import { crc32c } from '@node-rs/crc32'
import { COMPRESSIONS, compress, decompress } from '../compression/compression.ts'
import { ProtocolError } from '../protocol-error.ts'
import * as layout from './batch-layout.ts'
import { readVarint, readVarlong, varintEnd } from './varint.ts'

/** One record of a batch, as `filterBatch` shows it: the same object each time. */
export interface FilteredRecord {
  offset: number
  /** Holds the key. */
  buffer: Buffer
  keyStart: number
  /** -1 for a null key. */
  keyEnd: number
  /** Whether it has a value; without one it deletes its key. */
  hasValue: boolean
}

/**
 * The same batch with only those records that `keep` wants, their bytes and offsets as they were, compressed again as they
 * were. The batch itself when all stay; undefined when none does.
 *
 * @param batch - Exactly one sound batch of format 2, not a control batch.
 * @throws ProtocolError `RECORD_CORRUPT`, `COMPRESSION_UNSUPPORTED`
 */
export function filterBatch(batch: Buffer, keep: (record: FilteredRecord) => boolean): Buffer | undefined {
  const attributes = batch.readInt16BE(layout.ATTRIBUTES_AT)
  const compression = COMPRESSIONS[attributes & layout.COMPRESSION_MASK]
  const stored = batch.subarray(layout.RECORDS_AT)
  const records = compression === 'none' || compression === undefined ? stored : decompress(compression, stored)
  const baseOffset = layout.readInt64(batch, layout.BASE_OFFSET_AT)
  const baseTimestampMs = layout.readInt64(batch, layout.BASE_TIMESTAMP_AT)
  const count = batch.readInt32BE(layout.RECORD_COUNT_AT)
  const record: FilteredRecord = { offset: 0, buffer: records, keyStart: 0, keyEnd: 0, hasValue: false }
  const kept: Buffer[] = []
  let maxTimestampMs = -1
  let at = 0
  for (let i = 0; i < count; i++) {
    const start = at
    const length = readVarint(records, at)
    const end = varintEnd + length
    if (length < 0 || !(end <= records.length)) {
      throw new ProtocolError(
        'RECORD_CORRUPT',
        `The batch at offset ${baseOffset} holds a record that does not fit it`,
        {
          details: { baseOffset }
        }
      )
    }
    const timestampMs = baseTimestampMs + readVarlong(records, varintEnd + 1)
    record.offset = baseOffset + readVarint(records, varintEnd)
    const keyLength = readVarint(records, varintEnd)
    record.keyStart = varintEnd
    record.keyEnd = keyLength < 0 ? -1 : varintEnd + keyLength
    record.hasValue = readVarint(records, keyLength < 0 ? varintEnd : record.keyEnd) >= 0
    at = end
    if (!keep(record)) continue
    kept.push(records.subarray(start, end))
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs
  }
  if (kept.length === 0) return undefined
  if (kept.length === count) return batch
  const plain = Buffer.concat(kept)
  const body = compression === 'none' || compression === undefined ? plain : compress(compression, plain)
  const filtered = Buffer.concat([batch.subarray(0, layout.RECORDS_AT), body])
  filtered.writeInt32BE(filtered.length - layout.LOG_OVERHEAD_BYTES, layout.BATCH_LENGTH_AT)
  filtered.writeInt32BE(kept.length, layout.RECORD_COUNT_AT)
  if ((attributes & layout.LOG_APPEND_TIME_BIT) === 0)
    layout.writeInt64(filtered, maxTimestampMs, layout.MAX_TIMESTAMP_AT)
  filtered.writeUInt32BE(crc32c(filtered.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT)
  return filtered
}
