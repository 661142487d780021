import { crc32c } from '@node-rs/crc32'
import { COMPRESSIONS, decompress } from '../compression/compression.ts'
import { isProtocolError, ProtocolError } from '../protocol-error.ts'
import { AbortedProducers, type AbortedTransaction } from './aborted-producers.ts'
import * as layout from './batch-layout.ts'
import { NO_RECORD_HEADERS, type RecordHeader } from './record-header.ts'
import { readVarint, readVarlong, varintEnd } from './varint.ts'

export interface RecordBatchCursorOptions {
  /** Default true. */
  readonly checkCrc?: boolean
  /** Return the markers of transactions as records too; `control` tells them apart. Default false: they are passed. */
  readonly controlRecords?: boolean
}

export type ControlType = 'abort' | 'commit' | 'other'

const NO_BYTES = Buffer.alloc(0)

/**
 * Reads the record batches of a Fetch answer, one record after the other, without an object per record.
 *
 * After `next()` returned true, the fields describe the record until the next call. Key and value are ranges of
 * `buffer`, which is a view into the answer, or into the decompressed batch: never reused, but a view of it keeps all
 * of it alive.
 */
export class RecordBatchCursor {
  offset = -1
  /** -1 when the record has none. */
  timestampMs = -1
  buffer: Buffer = NO_BYTES
  keyStart = 0
  /** -1 for a null key. */
  keyEnd = -1
  valueStart = 0
  /** -1 for a null value. */
  valueEnd = -1

  /**
   * The offset to go on from: after the record that `next` returned last, and after `next` returned false also past
   * control records, aborted ones and gaps.
   */
  position = 0

  // The batch of the current record. Plain fields: this class is the hottest of all.
  /** -1n without an idempotent producer. */
  producerId = -1n
  producerEpoch = -1
  baseSequence = -1
  partitionLeaderEpoch = -1
  transactional = false
  /** Whether the record is the marker of a transaction. */
  control = false

  private readonly checkCrc: boolean
  private readonly controlRecords: boolean
  private readonly aborted = new AbortedProducers()
  private source: Buffer = NO_BYTES
  private sourceAt = 0
  private startOffset = 0

  private batchOffset = 0
  private batchEndOffset = 0
  private baseTimestampMs = 0
  private appendTimeMs = -1
  private logAppendTime = false
  private recordsLeft = 0
  private recordAt = 0
  private recordsEnd = 0
  private headersAt = 0
  private recordEnd = 0

  constructor(options: RecordBatchCursorOptions = {}) {
    this.checkCrc = options.checkCrc ?? true
    this.controlRecords = options.controlRecords ?? false
  }

  /**
   * Begins with the records of another answer.
   *
   * @param records - Batches one after the other; the last may be cut off and is then left for the next fetch.
   * @param startOffset - The offset fetched from; the first batch may begin below it.
   * @param abortedTransactions - Of the same answer, under read_committed. Null: nothing is filtered.
   */
  reset(
    records: Buffer | null,
    startOffset: number,
    abortedTransactions: readonly AbortedTransaction[] | null = null
  ): void {
    this.source = records ?? NO_BYTES
    this.sourceAt = 0
    this.startOffset = startOffset
    this.position = startOffset
    this.recordsLeft = 0
    this.recordAt = 0
    this.recordsEnd = 0
    this.batchEndOffset = startOffset
    this.buffer = NO_BYTES
    this.aborted.reset(abortedTransactions)
  }

  /** Whether there is anything that `next` has not looked at. It may turn out to hold no record to return. */
  get hasBuffered(): boolean {
    return this.recordsLeft > 0 || this.batchBytesAt(this.sourceAt) !== 0
  }

  /**
   * Moves to the next record; false at the end.
   *
   * @throws ProtocolError `RECORD_CORRUPT`, `RECORD_FORMAT_UNSUPPORTED`, `COMPRESSION_UNSUPPORTED`, with
   * `details.baseOffset`.
   *   The cursor stays where it is: the next call throws again.
   */
  next(): boolean {
    for (;;) {
      while (this.recordsLeft > 0) {
        const buffer = this.buffer
        let at = this.recordAt
        const length = readVarint(buffer, at)
        at = varintEnd
        const end = at + length
        if (length < 0 || !(end <= this.recordsEnd)) throw this.corruptRecord('does not fit its batch')
        const timestampDelta = readVarlong(buffer, at + 1)
        const offsetDelta = readVarint(buffer, varintEnd)
        const keyLength = readVarint(buffer, varintEnd)
        const keyStart = varintEnd
        const keyEnd = keyLength < 0 ? -1 : keyStart + keyLength
        const valueLength = readVarint(buffer, keyLength < 0 ? keyStart : keyEnd)
        const valueStart = varintEnd
        const headersAt = valueLength < 0 ? valueStart : valueStart + valueLength
        // Lengths below -1 are refused too; nothing else of the format writes them.
        if (!(headersAt < end) || keyLength < -1 || valueLength < -1) throw this.corruptRecord('exceeds its length')
        this.recordAt = end
        this.recordsLeft--

        const offset = this.batchOffset + offsetDelta
        if (offset < this.startOffset) continue
        this.offset = offset
        this.position = offset + 1
        this.timestampMs = this.logAppendTime ? this.appendTimeMs : this.baseTimestampMs + timestampDelta
        this.keyStart = keyStart
        this.keyEnd = keyEnd
        this.valueStart = valueStart
        this.valueEnd = valueLength < 0 ? -1 : headersAt
        this.headersAt = headersAt
        this.recordEnd = end
        return true
      }
      if (!this.nextBatch()) return false
    }
  }

  /** The headers of the current record, decoded anew at each call. */
  headers(): readonly RecordHeader[] {
    const buffer = this.buffer
    if (buffer[this.headersAt] === 0) return NO_RECORD_HEADERS
    const count = readVarint(buffer, this.headersAt)
    let at = varintEnd
    if (count < 0 || !(at + 2 * count <= this.recordEnd)) throw this.corruptRecord('has headers beyond its length')
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const nameLength = readVarint(buffer, at)
      const nameStart = varintEnd
      const nameEnd = nameStart + nameLength
      if (nameLength < 0 || !(nameEnd < this.recordEnd)) throw this.corruptRecord('has a header beyond its length')
      const valueLength = readVarint(buffer, nameEnd)
      const valueStart = varintEnd
      at = valueLength < 0 ? valueStart : valueStart + valueLength
      if (valueLength < -1 || !(at <= this.recordEnd)) throw this.corruptRecord('has a header beyond its length')
      headers.push([
        buffer.toString('utf8', nameStart, nameEnd),
        valueLength < 0 ? null : Buffer.from(buffer.subarray(valueStart, at))
      ])
    }
    return headers
  }

  /** What the marker says. Meaningful while `control` is true, which needs the option `controlRecords`. */
  get controlType(): ControlType {
    return controlTypeOf(this.buffer, this.keyStart, this.keyEnd)
  }

  /** Size of the batch at `at` if all of it is there, else 0; -1 when its length cannot be true. */
  private batchBytesAt(at: number): number {
    const left = this.source.length - at
    // A batch is recognised from its magic byte on; with less, its length may be cut off too.
    if (left <= layout.MAGIC_AT) return 0
    const bytes = this.source.readInt32BE(at + layout.BATCH_LENGTH_AT) + layout.LOG_OVERHEAD_BYTES
    if (bytes <= layout.MAGIC_AT) return -1
    return bytes <= left ? bytes : 0
  }

  /** Moves to the next batch, which may have no records to return; false when there is none. */
  private nextBatch(): boolean {
    if (this.recordAt !== this.recordsEnd) throw this.corruptRecord('is followed by bytes that belong to no record')
    if (this.batchEndOffset > this.position) this.position = this.batchEndOffset

    const at = this.sourceAt
    const bytes = this.batchBytesAt(at)
    if (bytes === 0) return false
    const source = this.source
    const end = at + bytes
    const baseOffset = layout.readInt64(source, at + layout.BASE_OFFSET_AT)
    if (bytes < 0) throw this.corrupt(baseOffset, 'has a length below the smallest')
    this.checkBatch(at, end, baseOffset)

    const attributes = source.readInt16BE(at + layout.ATTRIBUTES_AT)
    const lastOffset = baseOffset + source.readInt32BE(at + layout.LAST_OFFSET_DELTA_AT)
    const recordCount = source.readInt32BE(at + layout.RECORD_COUNT_AT)
    if (recordCount < 0 || lastOffset < baseOffset || !Number.isSafeInteger(lastOffset)) {
      throw this.corrupt(baseOffset, `has ${recordCount} records up to offset ${lastOffset}`)
    }
    const producerId = source.readBigInt64BE(at + layout.PRODUCER_ID_AT)
    const transactional = (attributes & layout.TRANSACTIONAL_BIT) !== 0
    const control = (attributes & layout.CONTROL_BIT) !== 0

    // Markers too: one may end a transaction of which no record lies in this answer.
    this.aborted.advanceTo(lastOffset)
    const wanted =
      lastOffset >= this.startOffset &&
      (control ? this.controlRecords : !(transactional && this.aborted.has(producerId)))

    // Everything that may throw comes first, so that after an error the cursor has not moved.
    const compression = COMPRESSIONS[attributes & layout.COMPRESSION_MASK]
    let buffer = source
    let recordAt = at + layout.RECORDS_AT
    let recordsEnd = end
    if ((wanted || control) && recordCount > 0 && compression !== 'none') {
      buffer = this.decompressed(attributes & layout.COMPRESSION_MASK, source.subarray(recordAt, end), baseOffset)
      recordAt = 0
      recordsEnd = buffer.length
    }
    // Only the batch's control bit makes a marker: an ordinary record may have any key, also one that looks like a
    // marker's.
    if (control && recordCount > 0 && isAbortMarker(buffer, recordAt, recordsEnd)) this.aborted.end(producerId)

    this.sourceAt = end
    this.batchEndOffset = lastOffset + 1
    this.batchOffset = baseOffset
    this.baseTimestampMs = layout.readInt64(source, at + layout.BASE_TIMESTAMP_AT)
    this.appendTimeMs = layout.readInt64(source, at + layout.MAX_TIMESTAMP_AT)
    this.logAppendTime = (attributes & layout.LOG_APPEND_TIME_BIT) !== 0
    this.producerId = producerId
    this.producerEpoch = source.readInt16BE(at + layout.PRODUCER_EPOCH_AT)
    this.baseSequence = source.readInt32BE(at + layout.BASE_SEQUENCE_AT)
    this.partitionLeaderEpoch = source.readInt32BE(at + layout.LEADER_EPOCH_AT)
    this.transactional = transactional
    this.control = control
    this.buffer = buffer
    this.recordsLeft = wanted ? recordCount : 0
    this.recordAt = wanted ? recordAt : recordsEnd
    this.recordsEnd = recordsEnd
    return true
  }

  private checkBatch(at: number, end: number, baseOffset: number): void {
    const magic = this.source.readInt8(at + layout.MAGIC_AT)
    if (magic !== layout.MAGIC) {
      throw new ProtocolError(
        'RECORD_FORMAT_UNSUPPORTED',
        `The batch at offset ${baseOffset} has message format ${magic}; only format 2, of Kafka 0.11 and newer, is read`,
        { details: { baseOffset, magic } }
      )
    }
    if (end - at < layout.RECORDS_AT) throw this.corrupt(baseOffset, `has only ${end - at} bytes`)
    if (!this.checkCrc) return
    const stored = this.source.readUInt32BE(at + layout.CRC_AT)
    const computed = crc32c(this.source.subarray(at + layout.ATTRIBUTES_AT, end))
    if (stored !== computed) throw this.corrupt(baseOffset, `has the checksum ${computed}, but says ${stored}`)
  }

  private decompressed(code: number, compressed: Buffer, baseOffset: number): Buffer {
    const compression = COMPRESSIONS[code]
    if (compression === undefined || compression === 'none') {
      throw new ProtocolError(
        'COMPRESSION_UNSUPPORTED',
        `The batch at offset ${baseOffset} has the unknown compression ${code}`,
        { details: { baseOffset, compression: code } }
      )
    }
    try {
      return decompress(compression, compressed)
    } catch (cause) {
      if (isProtocolError(cause)) throw cause
      throw this.corrupt(baseOffset, `cannot be decompressed with ${compression}`, cause)
    }
  }

  private corruptRecord(what: string): ProtocolError {
    return this.corrupt(this.batchOffset, `holds a record that ${what}`)
  }

  private corrupt(baseOffset: number, what: string, cause?: unknown): ProtocolError {
    return new ProtocolError('RECORD_CORRUPT', `The batch at offset ${baseOffset} ${what}`, {
      details: { baseOffset },
      ...(cause === undefined ? {} : { cause })
    })
  }
}

const ABORT = 0
const COMMIT = 1

/** A marker's key is int16 version, int16 type. */
function controlTypeOf(buffer: Buffer, keyStart: number, keyEnd: number): ControlType {
  if (keyEnd - keyStart < 4) return 'other'
  const type = buffer.readInt16BE(keyStart + 2)
  return type === ABORT ? 'abort' : type === COMMIT ? 'commit' : 'other'
}

function isAbortMarker(buffer: Buffer, recordAt: number, recordsEnd: number): boolean {
  readVarint(buffer, recordAt)
  readVarlong(buffer, varintEnd + 1)
  readVarint(buffer, varintEnd)
  const keyLength = readVarint(buffer, varintEnd)
  const keyStart = varintEnd
  const keyEnd = keyStart + keyLength
  return keyLength >= 0 && keyEnd <= recordsEnd && controlTypeOf(buffer, keyStart, keyEnd) === 'abort'
}
