import { crc32c } from '@node-rs/crc32'
import * as layout from './batch-layout.ts'
import { writeVarint } from './varint.ts'

/** Bytes before a batch's first record: what `readBatchHeader` looks at. */
export const BATCH_HEADER_BYTES = layout.RECORDS_AT

/** What stands in front of a batch of format 2. Nothing is checked: the bytes may be anybody's. */
export interface BatchHeader {
  readonly baseOffset: number
  /** Of the whole batch with its header, as the batch itself says. */
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly lastOffset: number
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  /** Code of the compression; 0 is none, above 4 there is none. */
  readonly compressionCode: number
  /** Whether `maxTimestampMs` is the time of the append and that of every record. */
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  /** -1n without an idempotent producer. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Size of the batch that begins at `at`, as it says. The caller has made sure of the first 12 bytes. */
export function batchSizeBytes(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + layout.BATCH_LENGTH_AT) + layout.LOG_OVERHEAD_BYTES
}

/** Reads the header of the batch that begins at `at`. The caller has made sure of its `BATCH_HEADER_BYTES`. */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  const baseOffset = layout.readInt64(buffer, at + layout.BASE_OFFSET_AT)
  const attributes = buffer.readInt16BE(at + layout.ATTRIBUTES_AT)
  return {
    baseOffset,
    sizeBytes: batchSizeBytes(buffer, at),
    leaderEpoch: buffer.readInt32BE(at + layout.LEADER_EPOCH_AT),
    magic: buffer.readInt8(at + layout.MAGIC_AT),
    lastOffset: baseOffset + buffer.readInt32BE(at + layout.LAST_OFFSET_DELTA_AT),
    baseTimestampMs: layout.readInt64(buffer, at + layout.BASE_TIMESTAMP_AT),
    maxTimestampMs: layout.readInt64(buffer, at + layout.MAX_TIMESTAMP_AT),
    compressionCode: attributes & layout.COMPRESSION_MASK,
    logAppendTime: (attributes & layout.LOG_APPEND_TIME_BIT) !== 0,
    transactional: (attributes & layout.TRANSACTIONAL_BIT) !== 0,
    control: (attributes & layout.CONTROL_BIT) !== 0,
    producerId: buffer.readBigInt64BE(at + layout.PRODUCER_ID_AT),
    producerEpoch: buffer.readInt16BE(at + layout.PRODUCER_EPOCH_AT),
    baseSequence: buffer.readInt32BE(at + layout.BASE_SEQUENCE_AT),
    recordCount: buffer.readInt32BE(at + layout.RECORD_COUNT_AT)
  }
}

/** Whether the checksum of a batch, given as exactly its bytes, is right. */
export function batchChecksumMatches(batch: Buffer): boolean {
  return batch.readUInt32BE(layout.CRC_AT) === crc32c(batch.subarray(layout.ATTRIBUTES_AT))
}

export interface BatchPlace {
  readonly baseOffset: number
  readonly leaderEpoch: number
  /** The time of the append, when it shall be the timestamp of every record. */
  readonly appendTimeMs?: number | undefined
}

/** Gives a batch its place in a log, in place. Only an append time changes what the checksum covers. */
export function placeBatch(batch: Buffer, { baseOffset, leaderEpoch, appendTimeMs }: BatchPlace): void {
  layout.writeInt64(batch, baseOffset, layout.BASE_OFFSET_AT)
  batch.writeInt32BE(leaderEpoch, layout.LEADER_EPOCH_AT)
  const attributes = batch.readInt16BE(layout.ATTRIBUTES_AT)
  if (appendTimeMs !== undefined) {
    batch.writeInt16BE(attributes | layout.LOG_APPEND_TIME_BIT, layout.ATTRIBUTES_AT)
    layout.writeInt64(batch, appendTimeMs, layout.MAX_TIMESTAMP_AT)
  } else if ((attributes & layout.LOG_APPEND_TIME_BIT) !== 0) {
    batch.writeInt16BE(attributes & ~layout.LOG_APPEND_TIME_BIT, layout.ATTRIBUTES_AT)
  } else {
    return
  }
  batch.writeUInt32BE(crc32c(batch.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT)
}

/**
 * The same batch without its records, which keeps its offsets and the producer's sequence: what compaction leaves of
 * the last batch of a producer. It is part of no transaction any more, for nothing is left to be decided.
 */
export function emptiedBatch(batch: Buffer): Buffer {
  const empty = Buffer.from(batch.subarray(0, layout.RECORDS_AT))
  empty.writeInt32BE(empty.length - layout.LOG_OVERHEAD_BYTES, layout.BATCH_LENGTH_AT)
  const attributes = empty.readInt16BE(layout.ATTRIBUTES_AT)
  empty.writeInt16BE(attributes & ~(layout.COMPRESSION_MASK | layout.TRANSACTIONAL_BIT), layout.ATTRIBUTES_AT)
  empty.writeInt32BE(0, layout.RECORD_COUNT_AT)
  empty.writeUInt32BE(crc32c(empty.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT)
  return empty
}

export interface TransactionMarker {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly timestampMs: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly type: 'abort' | 'commit'
  readonly coordinatorEpoch: number
}

/** The batch that ends a transaction in one partition: one control record. */
export function buildTransactionMarker(marker: TransactionMarker): Buffer {
  // Key: int16 version 0, int16 type. Value: int16 version 0, int32 coordinator epoch.
  const key = Buffer.from([0, 0, 0, marker.type === 'commit' ? 1 : 0])
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  // Attributes, timestamp delta and offset delta are 0; lengths are zigzag varints of one byte; no headers.
  const body = Buffer.concat([
    Buffer.from([0, 0, 0, key.length * 2]),
    key,
    Buffer.from([value.length * 2]),
    value,
    ZERO
  ])
  const batch = Buffer.alloc(layout.RECORDS_AT + 1 + body.length)
  writeVarint(batch, body.length, layout.RECORDS_AT)
  body.copy(batch, layout.RECORDS_AT + 1)
  layout.writeInt64(batch, marker.baseOffset, layout.BASE_OFFSET_AT)
  batch.writeInt32BE(batch.length - layout.LOG_OVERHEAD_BYTES, layout.BATCH_LENGTH_AT)
  batch.writeInt32BE(marker.leaderEpoch, layout.LEADER_EPOCH_AT)
  batch.writeInt8(layout.MAGIC, layout.MAGIC_AT)
  batch.writeInt16BE(layout.TRANSACTIONAL_BIT | layout.CONTROL_BIT, layout.ATTRIBUTES_AT)
  layout.writeInt64(batch, marker.timestampMs, layout.BASE_TIMESTAMP_AT)
  layout.writeInt64(batch, marker.timestampMs, layout.MAX_TIMESTAMP_AT)
  batch.writeBigInt64BE(marker.producerId, layout.PRODUCER_ID_AT)
  batch.writeInt16BE(marker.producerEpoch, layout.PRODUCER_EPOCH_AT)
  batch.writeInt32BE(-1, layout.BASE_SEQUENCE_AT)
  batch.writeInt32BE(1, layout.RECORD_COUNT_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT)
  return batch
}

const ZERO = Buffer.from([0])
