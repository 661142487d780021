import { NO_HEADERS, type StreamsError } from '../../core/index.ts'
import type { PartitionReader } from '../../ports/index.ts'
import { HeldRecord } from './held-record.ts'
import type { SourceNode } from './source-node.ts'
import type { AnyStreamRecord } from './task-node.ts'

/**
 * One input of a task: a reader, and its head record, deserialised and with its event time, ready to be compared
 * with the heads of the other inputs. The reader stays on the head while it is processed, so its raw bytes are at hand
 * for error handlers.
 */
export class InputPartition {
  readonly topic: string
  readonly partition: number
  readonly reader: PartitionReader
  readonly source: SourceNode

  /** Largest event time extracted here; -1 at the start. Committed with the offset. */
  partitionTimeMs: number
  head: AnyStreamRecord | undefined
  /** What the source made of the bytes under the reader, before anybody else saw it. */
  valueRead: unknown
  /** Not the same as `reader.position` while a head waits. */
  #headOffset = -1
  /** Set while the record under the reader waits for its serde: it stays where it is, and so does this input. */
  held: HeldRecord | undefined
  /** Since when this input has been empty and caught up, for `maxTaskIdleMs`; -1 while it is not. */
  idleSinceMs = -1

  constructor(reader: PartitionReader, source: SourceNode, partitionTimeMs: number) {
    this.topic = reader.topic
    this.partition = reader.partition
    this.reader = reader
    this.source = source
    this.partitionTimeMs = partitionTimeMs
  }

  /** The next offset to process: what is committed. Past control and aborted records, too. */
  get nextOffset(): number {
    if (this.head !== undefined) return this.#headOffset
    return this.held?.isUnderReader === true ? this.reader.offset : this.reader.position
  }

  /** Moves to the next record, or stays on one that is to be read again. False when there is none to read now. */
  next(): boolean {
    const { held, reader } = this
    if (held === undefined) return reader.next()
    if (held.isUnderReader) return held.isReady
    this.held = undefined
    return reader.next()
  }

  /** What the source makes of the record under the reader; undefined when it is dropped, and when it is held. */
  read(): AnyStreamRecord | undefined {
    const { held } = this
    const record = this.source.read(this)
    if (held !== undefined && this.held === held) this.held = undefined
    return record
  }

  /** The serde has to wait: the record is read again when it is ready. */
  hold(error: StreamsError): void {
    this.held = new HeldRecord(error, (this.held?.tries ?? 0) + 1, this.reader)
  }

  /** Makes sure that there is a head, skipping records that are dropped at the source. False when none is buffered. */
  loadHead(): boolean {
    if (this.head !== undefined) return true
    while (this.next()) {
      const record = this.read()
      if (record === undefined) continue
      this.head = record
      this.#headOffset = this.reader.offset
      this.idleSinceMs = -1
      return true
    }
    return false
  }

  takeHead(): AnyStreamRecord {
    const record = this.head as AnyStreamRecord
    this.head = undefined
    // Not when it becomes the head: what is committed may not tell of records that are processed after a restart.
    if (record.timestampMs > this.partitionTimeMs) this.partitionTimeMs = record.timestampMs
    return record
  }

  headers() {
    return this.reader.headers() ?? NO_HEADERS
  }
}
