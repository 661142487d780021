import { type Headers, NO_HEADERS } from '@millrace/streams/core'
import type { PartitionReader } from '@millrace/streams/ports'
import type { ByteLog } from './byte-log.ts'
import type { CoreRecords } from './core-records.ts'

export abstract class ByteReader implements PartitionReader {
  readonly topic: string
  readonly partition = 0
  readonly logStartOffset = 0
  offset = -1
  timestampMs = -1
  keyStart = 0
  keyEnd = -1
  valueStart = 0
  valueEnd = -1
  position = 0
  abstract readonly buffer: Buffer
  abstract readonly highWatermark: number

  constructor(topic: string) {
    this.topic = topic
  }

  abstract next(): boolean

  get hasBuffered(): boolean {
    return this.position < this.highWatermark
  }

  get lastStableOffset(): number {
    return this.highWatermark
  }

  headers(): Headers {
    return NO_HEADERS
  }
}

/** A reader that is fed from memory, up to a limit that moves on. */
export interface ReleasedReader extends PartitionReader {
  /** Makes records [0, count) of all topics readable. */
  release(count: number): void
}

/** The records of one topic, up to a limit that moves on. */
export class InputReader extends ByteReader implements ReleasedReader {
  readonly buffer: Buffer
  private readonly records: CoreRecords
  /** Which of the records are of this topic. */
  private readonly indexes: Int32Array
  highWatermark = 0

  constructor(records: CoreRecords, topic: number) {
    super(records.topics[topic] as string)
    this.records = records
    this.buffer = records.bytes
    this.indexes = Int32Array.from({ length: records.count }, (_, i) => i).filter(i => records.topicOf[i] === topic)
  }

  release(count: number): void {
    while (this.highWatermark < this.indexes.length && (this.indexes[this.highWatermark] as number) < count) {
      this.highWatermark++
    }
  }

  next(): boolean {
    if (this.position >= this.highWatermark) return false
    const i = this.indexes[this.position] as number
    const { starts, valueStarts, timestampsMs } = this.records
    this.offset = this.position++
    this.timestampMs = timestampsMs[i] as number
    this.keyStart = starts[i] as number
    this.keyEnd = valueStarts[i] as number
    this.valueStart = this.keyEnd
    this.valueEnd = starts[i + 1] as number
    return true
  }
}

/** What the topology wrote to a topic that it reads. */
export class LogReader extends ByteReader {
  private readonly log: ByteLog
  private at = 0

  constructor(log: ByteLog) {
    super(log.topic)
    this.log = log
  }

  get buffer(): Buffer {
    return this.log.bytes
  }

  get highWatermark(): number {
    return this.log.count
  }

  next(): boolean {
    if (this.position >= this.log.count) return false
    const { bytes } = this.log
    this.offset = this.position++
    const keyLength = bytes.readInt32BE(this.at)
    this.keyStart = this.at + 4
    this.keyEnd = keyLength < 0 ? -1 : this.keyStart + keyLength
    const valueLengthAt = this.keyStart + Math.max(0, keyLength)
    const valueLength = bytes.readInt32BE(valueLengthAt)
    this.valueStart = valueLengthAt + 4
    this.valueEnd = valueLength < 0 ? -1 : this.valueStart + valueLength
    const timestampAt = this.valueStart + Math.max(0, valueLength)
    this.timestampMs = bytes.readInt32BE(timestampAt) * 0x1_0000_0000 + bytes.readUInt32BE(timestampAt + 4)
    this.at = timestampAt + 8
    return true
  }

  /** Forgets what was read, which must be everything. */
  clear(): void {
    if (this.position < this.log.count) throw new Error(`Records of ${this.topic} were left unread.`)
    this.log.clear()
    this.at = 0
  }
}
