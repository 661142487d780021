import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchChecksumMatches,
  batchSizeBytes,
  isProtocolError,
  RecordBatchCursor,
  readBatchHeader
} from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { LogConfig } from './log-config.ts'

const FORMAT = 2
const HIGHEST_COMPRESSION_CODE = 4
const NO_LIMIT = Number.MAX_SAFE_INTEGER

export interface RefusedBatch {
  readonly errorCode: number
  readonly message: string
}

/**
 * What is wrong with the records that a client produced to a partition: they have to be exactly one sound batch of
 * format 2. Records themselves are looked at only where a setting of the topic needs it.
 */
export function checkBatches(records: Buffer, config: LogConfig, nowMs: number): RefusedBatch | undefined {
  if (records.length < BATCH_HEADER_BYTES || batchSizeBytes(records, 0) > records.length) {
    return invalid('Produce requests must have at least one record batch per partition')
  }
  const header = readBatchHeader(records, 0)
  if (header.magic !== FORMAT)
    return invalid(`Produce requests may hold record batches of format 2 only, not ${header.magic}`)
  if (header.sizeBytes < BATCH_HEADER_BYTES) return corrupt(`A batch says that it has ${header.sizeBytes} bytes`)
  if (header.sizeBytes < records.length) {
    return invalid('Produce requests must have exactly one record batch per partition')
  }
  if (header.baseOffset !== 0) {
    return invalid(`The baseOffset of the record batch should be 0, but it is ${header.baseOffset}`)
  }
  if (header.sizeBytes > config.maxMessageBytes) {
    const message = `The record batch size is ${header.sizeBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}`
    return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, message }
  }
  if (!batchChecksumMatches(records)) return corrupt('Record is corrupt: its stored checksum does not match')
  return checkHeader(header) ?? checkTimes(header, config, nowMs) ?? checkRecords(records, header, config, nowMs)
}

function checkHeader(header: BatchHeader): RefusedBatch | undefined {
  if (header.control) return invalid('Clients are not allowed to write control records')
  const count = header.lastOffset - header.baseOffset + 1
  if (header.recordCount <= 0 || header.recordCount !== count) {
    return invalid(`The batch holds ${header.recordCount} records, but its offsets are for ${count}`)
  }
  if (header.producerId >= 0n && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    return invalid(`Producer ${header.producerId} has epoch ${header.producerEpoch}, sequence ${header.baseSequence}`)
  }
  if (header.compressionCode > HIGHEST_COMPRESSION_CODE) {
    return corrupt(`There is no compression ${header.compressionCode}`)
  }
  return undefined
}

/** The highest timestamp stands in the header. */
function checkTimes(header: BatchHeader, config: LogConfig, nowMs: number): RefusedBatch | undefined {
  if (config.logAppendTime || header.maxTimestampMs - nowMs <= config.timestampAfterMaxMs) return undefined
  return tooFar(header.maxTimestampMs, config, nowMs)
}

function checkRecords(
  records: Buffer,
  header: BatchHeader,
  config: LogConfig,
  nowMs: number
): RefusedBatch | undefined {
  const boundsAge = !config.logAppendTime && config.timestampBeforeMaxMs < NO_LIMIT
  if (!config.compacts && !boundsAge) return undefined
  const cursor = new RecordBatchCursor({ checkCrc: false })
  cursor.reset(records, header.baseOffset)
  try {
    while (cursor.next()) {
      if (config.compacts && cursor.keyEnd < 0) return invalid('Compacted topic cannot accept message without key')
      if (boundsAge && nowMs - cursor.timestampMs > config.timestampBeforeMaxMs) {
        return tooFar(cursor.timestampMs, config, nowMs)
      }
    }
  } catch (error) {
    if (!isProtocolError(error)) throw error
    return corrupt(error.message)
  }
  return undefined
}

function tooFar(timestampMs: number, config: LogConfig, nowMs: number): RefusedBatch {
  const from = nowMs - config.timestampBeforeMaxMs
  const to = nowMs + config.timestampAfterMaxMs
  const message = `Timestamp ${timestampMs} of message is out of range. The timestamp should be within [${from}, ${to}]`
  return { errorCode: ErrorCode.INVALID_TIMESTAMP, message }
}

function invalid(message: string): RefusedBatch {
  return { errorCode: ErrorCode.INVALID_RECORD, message }
}

function corrupt(message: string): RefusedBatch {
  return { errorCode: ErrorCode.CORRUPT_MESSAGE, message }
}
