import { type Headers, NO_HEADERS } from '@millrace/streams/core'
import type { PartitionReader } from '@millrace/streams/ports'

/** A record as bytes. */
export interface LoggedRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestampMs: number
  readonly headers: Headers
}

const NOTHING = Buffer.alloc(0)

/** The one partition of a topic, as bytes in memory. */
export class TopicLog {
  readonly topic: string
  readonly records: LoggedRecord[] = []
  /** Those of `records` that the topology wrote, and not the test. */
  readonly produced: LoggedRecord[] = []

  constructor(topic: string) {
    this.topic = topic
  }

  /** Copies the bytes. */
  append(key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers): LoggedRecord {
    const record = {
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestampMs,
      headers
    }
    this.records.push(record)
    return record
  }
}

/** Reads a log like a fetched partition. */
export class LogReader implements PartitionReader {
  readonly topic: string
  readonly partition = 0
  readonly #log: TopicLog
  buffer: Buffer = NOTHING
  keyStart = 0
  keyEnd = -1
  valueStart = 0
  valueEnd = -1
  offset = -1
  timestampMs = -1
  readonly logStartOffset = 0
  #headers: Headers = NO_HEADERS
  #next: number

  constructor(log: TopicLog, offset = 0) {
    this.topic = log.topic
    this.#log = log
    this.#next = offset
  }

  next(): boolean {
    const record = this.#log.records[this.#next]
    if (record === undefined) return false
    const { key, value } = record
    this.buffer = Buffer.concat([key ?? NOTHING, value ?? NOTHING])
    this.keyEnd = key === null ? -1 : key.length
    this.valueStart = key?.length ?? 0
    this.valueEnd = value === null ? -1 : this.valueStart + value.length
    this.timestampMs = record.timestampMs
    this.#headers = record.headers
    this.offset = this.#next++
    return true
  }

  headers(): Headers {
    return this.#headers
  }

  get position(): number {
    return this.#next
  }

  get hasBuffered(): boolean {
    return this.#next < this.#log.records.length
  }

  get highWatermark(): number {
    return this.#log.records.length
  }

  get lastStableOffset(): number {
    return this.#log.records.length
  }
}
