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
const ZSTD = 4
const HIGHEST_COMPRESSION_CODE = ZSTD
const NO_LIMIT = Number.MAX_SAFE_INTEGER

export interface RefusedBatch {
  readonly errorCode: number
  readonly message: string
  /** Which of its records are wrong, if it is not all of it. */
  readonly records?: readonly RefusedRecord[]
}

/** One record of a batch, by its place in it. */
export interface RefusedRecord {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/**
 * Whether what a client produced to a partition is one batch of format 2, which Kafka asks before it looks at anything
 * else.
 *
 * @param zstdAllowed - Whether the producer's version of the request knows ZStandard.
 */
export function checkFormat(records: Buffer, zstdAllowed = true): RefusedBatch | undefined {
  if (records.length < BATCH_HEADER_BYTES || batchSizeBytes(records, 0) > records.length) {
    return invalid('Produce requests must have at least one record batch per partition')
  }
  const header = readBatchHeader(records, 0)
  if (header.magic !== FORMAT)
    return invalid(`Produce requests may hold record batches of format 2 only, not ${header.magic}`)
  if (header.compressionCode === ZSTD && !zstdAllowed) {
    const message = 'Produce requests before version 7 are not allowed to use ZStandard compression'
    return { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message }
  }
  if (header.sizeBytes < BATCH_HEADER_BYTES) return corrupt(`A batch says that it has ${header.sizeBytes} bytes`)
  if (header.sizeBytes < records.length) {
    return invalid('Produce requests must have exactly one record batch per partition')
  }
  return undefined
}

/**
 * What is wrong with such a batch. Records themselves are looked at only where a setting of the topic needs it.
 */
export function checkBatches(records: Buffer, config: LogConfig, nowMs: number): RefusedBatch | undefined {
  const wrong = checkFormat(records)
  if (wrong !== undefined) return wrong
  const header = readBatchHeader(records, 0)
  if (header.baseOffset !== 0) {
    return invalid(`The baseOffset of the record batch should be 0, but it is ${header.baseOffset}`)
  }
  if (header.sizeBytes > config.maxMessageBytes) {
    const message = `The record batch size is ${header.sizeBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}`
    return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, message }
  }
  if (!batchChecksumMatches(records)) return corrupt('Record is corrupt: its stored checksum does not match')
  return checkHeader(header) ?? checkRecords(records, header, config, nowMs)
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

function checkRecords(
  records: Buffer,
  header: BatchHeader,
  config: LogConfig,
  nowMs: number
): RefusedBatch | undefined {
  const timed = !config.logAppendTime
  const boundsAge = timed && config.timestampBeforeMaxMs < NO_LIMIT
  // The highest timestamp stands in the header.
  const ahead = timed && header.maxTimestampMs - nowMs > config.timestampAfterMaxMs
  if (!config.compacts && !boundsAge && !ahead) return undefined
  const cursor = new RecordBatchCursor({ checkCrc: false })
  cursor.reset(records, header.baseOffset)
  const refused: RefusedRecord[] = []
  let errorCode: number = ErrorCode.NONE
  const refuse = (code: number, message: string): void => {
    if (refused.length === 0) errorCode = code
    refused.push({ batchIndex: cursor.offset - header.baseOffset, batchIndexErrorMessage: message })
  }
  try {
    while (cursor.next()) {
      if (config.compacts && cursor.keyEnd < 0) {
        refuse(ErrorCode.INVALID_RECORD, 'Compacted topic cannot accept message without key.')
      } else if (timed && isTooFar(cursor.timestampMs, config, nowMs)) {
        refuse(ErrorCode.INVALID_TIMESTAMP, tooFar(cursor.timestampMs, config, nowMs))
      }
    }
  } catch (error) {
    if (!isProtocolError(error)) throw error
    return corrupt(error.message)
  }
  return refused[0] && { errorCode, message: refused[0].batchIndexErrorMessage, records: refused }
}

/** Records without a timestamp are never too far from now. */
function isTooFar(timestampMs: number, config: LogConfig, nowMs: number): boolean {
  if (timestampMs < 0) return false
  return nowMs - timestampMs > config.timestampBeforeMaxMs || timestampMs - nowMs > config.timestampAfterMaxMs
}

function tooFar(timestampMs: number, config: LogConfig, nowMs: number): string {
  const from = nowMs - config.timestampBeforeMaxMs
  const to = nowMs + config.timestampAfterMaxMs
  return `Timestamp ${timestampMs} of message is out of range. The timestamp should be within [${from}, ${to}]`
}

function invalid(message: string): RefusedBatch {
  return { errorCode: ErrorCode.INVALID_RECORD, message }
}

function corrupt(message: string): RefusedBatch {
  return { errorCode: ErrorCode.CORRUPT_MESSAGE, message }
}
