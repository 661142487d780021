import { crc32c } from '@node-rs/crc32'
import { COMPRESSIONS, type Compression, compress } from '../compression/compression.ts'
import { ProtocolError } from '../protocol-error.ts'
import * as layout from './batch-layout.ts'
import type { RecordHeader } from './record-header.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

export interface BatchProducer {
  /** -1n: not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

export interface BuildOptions extends Partial<BatchProducer> {
  readonly transactional?: boolean
  readonly compression?: Compression
}

/** Length, attributes, timestamp delta, offset delta, key length, value length, header count, each at its longest. */
const MAX_RECORD_OVERHEAD_BYTES = 5 + 1 + 10 + 5 + 5 + 5 + 5

/** Up to here a loop is as fast as a native copy or faster; measured, and flat around it. */
const LOOP_COPY_BYTES = 24

/** Collects records into one record batch, in a buffer that grows and is kept from batch to batch. */
export class RecordBatchBuilder {
  /** Records appended. */
  count = 0
  private bytes: Buffer
  private end = layout.RECORDS_AT
  private baseTimestampMs = 0
  private maxTimestampMs = 0

  constructor(initialBytes = 16 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(initialBytes, layout.RECORDS_AT))
  }

  /** Size of the uncompressed batch with what was appended so far. */
  get sizeBytes(): number {
    return this.end
  }

  /** What `sizeBytes` would be, at most, after appending such a record. */
  sizeBytesAfter(keyBytes: number, valueBytes: number, headers: readonly RecordHeader[]): number {
    const headersSize = headers.length === 0 ? 0 : headersBytes(headers)
    return this.end + MAX_RECORD_OVERHEAD_BYTES + keyBytes + valueBytes + headersSize
  }

  /** Copies one record in. An end of -1 means null. */
  append(
    keyBytes: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
    headers: readonly RecordHeader[]
  ): void {
    if (this.count === 0) {
      this.baseTimestampMs = timestampMs
      this.maxTimestampMs = timestampMs
    } else if (timestampMs > this.maxTimestampMs) {
      this.maxTimestampMs = timestampMs
    }
    const keyLength = keyBytes === null || keyEnd < 0 ? -1 : keyEnd - keyStart
    const valueLength = valueBytes === null || valueEnd < 0 ? -1 : valueEnd - valueStart
    const headersSize = headers.length === 0 ? 1 : varintBytes(headers.length) + headersBytes(headers)
    const timestampDelta = timestampMs - this.baseTimestampMs
    const bodyBytes =
      1 +
      varlongBytes(timestampDelta) +
      varintBytes(this.count) +
      varintBytes(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintBytes(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      headersSize
    if (this.end + bodyBytes + 5 > this.bytes.length) this.grow(bodyBytes + 5)

    const bytes = this.bytes
    let at = writeVarint(bytes, bodyBytes, this.end)
    bytes[at++] = 0
    at = writeVarlong(bytes, timestampDelta, at)
    at = writeVarint(bytes, this.count, at)
    at = writeVarint(bytes, keyLength, at)
    if (keyLength > 0) at = copyInto(bytes, at, keyBytes!, keyStart, keyEnd)
    at = writeVarint(bytes, valueLength, at)
    if (valueLength > 0) at = copyInto(bytes, at, valueBytes!, valueStart, valueEnd)
    if (headers.length === 0) bytes[at++] = 0
    else at = writeHeaders(bytes, at, headers)
    this.end = at
    this.count++
  }

  /**
   * The finished batch, as a buffer of its own. The builder still holds the records: build again with other options, or
   * `reset`.
   *
   * @throws ProtocolError `COMPRESSION_UNSUPPORTED`; `PROTOCOL_INVALID_VALUE` without records.
   */
  build(options: BuildOptions = {}): Buffer {
    if (this.count === 0) throw new ProtocolError('PROTOCOL_INVALID_VALUE', 'A batch without records cannot be built')
    const compression = options.compression ?? 'none'
    let batch: Buffer
    if (compression === 'none') {
      batch = Buffer.allocUnsafeSlow(this.end)
      this.bytes.copy(batch, layout.RECORDS_AT, layout.RECORDS_AT, this.end)
    } else {
      const compressed = compress(compression, this.bytes.subarray(layout.RECORDS_AT, this.end))
      batch = Buffer.allocUnsafeSlow(layout.RECORDS_AT + compressed.length)
      compressed.copy(batch, layout.RECORDS_AT)
    }
    layout.writeInt64(batch, 0, layout.BASE_OFFSET_AT)
    batch.writeInt32BE(batch.length - layout.LOG_OVERHEAD_BYTES, layout.BATCH_LENGTH_AT)
    batch.writeInt32BE(-1, layout.LEADER_EPOCH_AT)
    batch.writeInt8(layout.MAGIC, layout.MAGIC_AT)
    const attributes = COMPRESSIONS.indexOf(compression) | (options.transactional ? layout.TRANSACTIONAL_BIT : 0)
    batch.writeInt16BE(attributes, layout.ATTRIBUTES_AT)
    batch.writeInt32BE(this.count - 1, layout.LAST_OFFSET_DELTA_AT)
    layout.writeInt64(batch, this.baseTimestampMs, layout.BASE_TIMESTAMP_AT)
    layout.writeInt64(batch, this.maxTimestampMs, layout.MAX_TIMESTAMP_AT)
    batch.writeInt32BE(this.count, layout.RECORD_COUNT_AT)
    restampBatch(batch, {
      producerId: options.producerId ?? -1n,
      producerEpoch: options.producerEpoch ?? -1,
      baseSequence: options.baseSequence ?? -1
    })
    return batch
  }

  /** Begins an empty batch, in the same buffer. */
  reset(): void {
    this.count = 0
    this.end = layout.RECORDS_AT
  }

  private grow(moreBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.end + moreBytes))
    this.bytes.copy(larger, 0, 0, this.end)
    this.bytes = larger
  }
}

/** Gives a built batch another producer id, epoch or sequence, in place: what a retry under a new epoch needs. */
export function restampBatch(batch: Buffer, producer: BatchProducer): void {
  batch.writeBigInt64BE(producer.producerId, layout.PRODUCER_ID_AT)
  batch.writeInt16BE(producer.producerEpoch, layout.PRODUCER_EPOCH_AT)
  batch.writeInt32BE(producer.baseSequence, layout.BASE_SEQUENCE_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT)
}

/** Returns where it ended. */
function copyInto(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
  if (end - start <= LOOP_COPY_BYTES) {
    let to = at
    for (let from = start; from < end; from++) target[to++] = source[from]!
    return to
  }
  target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at)
  return at + end - start
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let size = 0
  for (const [name, value] of headers) {
    const nameBytes = Buffer.byteLength(name)
    size += varintBytes(nameBytes) + nameBytes
    size += value === null ? 1 : varintBytes(value.length) + value.length
  }
  return size
}

function writeHeaders(bytes: Buffer, start: number, headers: readonly RecordHeader[]): number {
  let at = writeVarint(bytes, headers.length, start)
  for (const [name, value] of headers) {
    at = writeVarint(bytes, Buffer.byteLength(name), at)
    at += bytes.write(name, at)
    at = writeVarint(bytes, value === null ? -1 : value.length, at)
    if (value !== null) at = copyInto(bytes, at, value, 0, value.length)
  }
  return at
}
