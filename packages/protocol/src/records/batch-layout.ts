// The header of a record batch (magic 2), all big-endian:
//
//    0 baseOffset int64
//    8 batchLength int32, counted from 12 on
//   12 partitionLeaderEpoch int32, filled in by brokers, which is why the checksum leaves it out
//   16 magic int8
//   17 crc uint32, CRC-32C of everything from the attributes on
//   21 attributes int16
//   23 lastOffsetDelta int32
//   27 baseTimestamp int64
//   35 maxTimestamp int64
//   43 producerId int64
//   51 producerEpoch int16
//   53 baseSequence int32
//   57 recordCount int32
//   61 records
//
// A record: length varint, attributes int8, timestampDelta varlong, offsetDelta varint, key, value, header count varint,
// headers (name, value). Keys, values and names are bytes after their length, a varint; a length of -1 is null. Varints
// are zigzag.

export const BASE_OFFSET_AT = 0
export const BATCH_LENGTH_AT = 8
export const LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORD_COUNT_AT = 57
export const RECORDS_AT = 61

/** Base offset and length, which the length itself does not count. */
export const LOG_OVERHEAD_BYTES = 12

export const MAGIC = 2

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20

const HIGH = 0x1_0000_0000

/** Exact up to 2^53, which offsets and timestamps never reach. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4)
}

export function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / HIGH)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * HIGH, at + 4)
}
