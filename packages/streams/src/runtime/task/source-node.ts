import type { SerdeContext, TimestampExtractor } from '../../core/index.ts'
import { deserializeRange, isStreamsError, StreamsError } from '../../core/index.ts'
import type { AnySerde, SourceNodeSpec } from '../../topology/index.ts'
import type { InputPartition } from './input-partition.ts'
import type { TaskErrors } from './task-errors.ts'
import { type AnyStreamRecord, TaskNode } from './task-node.ts'

export type SourceErrors = Pick<TaskErrors, 'deserializationFailed'>

/** Turns the bytes under a reader into a record with its event time. */
export class SourceNode extends TaskNode {
  readonly #errors: SourceErrors
  readonly #extractor: TimestampExtractor | undefined
  private readonly key: AnySerde
  readonly value: AnySerde
  /** Of the topic that was read last: a source of several reads many records of one before it comes to another. */
  #keyContext: SerdeContext = { topic: '', isKey: true }
  #valueContext: SerdeContext = { topic: '', isKey: false }

  constructor(spec: SourceNodeSpec, errors: SourceErrors) {
    super(spec.name)
    this.#errors = errors
    this.#extractor = spec.timestampExtractor
    this.key = spec.key
    this.value = spec.value
  }

  override process(record: AnyStreamRecord): void {
    this.metrics.processed++
    this.forward(record)
  }

  /**
   * Undefined when the record is dropped here: it could not be read (and the handler said so), or has no event time; and when its
   * serde is not ready, in which case the input holds it.
   */
  read(input: InputPartition): AnyStreamRecord | undefined {
    const { reader, topic } = input
    if (topic !== this.#valueContext.topic) {
      this.#keyContext = { topic, isKey: true }
      this.#valueContext = { topic, isKey: false }
    }
    let key: unknown = null
    let value: unknown = null
    let part: 'key' | 'value' = 'key'
    try {
      if (reader.keyEnd >= 0) {
        key = deserializeRange(this.key, reader.buffer, reader.keyStart, reader.keyEnd, this.#keyContext)
      }
      part = 'value'
      if (reader.valueEnd >= 0) {
        value = deserializeRange(this.value, reader.buffer, reader.valueStart, reader.valueEnd, this.#valueContext)
      }
    } catch (error) {
      if (isStreamsError(error, 'SERDE_NOT_READY')) input.hold(error)
      else this.#errors.deserializationFailed(this, input, part, error)
      return undefined
    }

    input.valueRead = value
    const record = { key, value, timestampMs: reader.timestampMs, headers: reader.headers() }
    if (this.#extractor !== undefined) record.timestampMs = this.#extract(this.#extractor, record, input)
    if (record.timestampMs < 0) {
      this.metrics.drop('negative-timestamp')
      return undefined
    }
    return record
  }

  #extract(extractor: TimestampExtractor, record: AnyStreamRecord, input: InputPartition): number {
    const { topic, partition } = input
    const { offset } = input.reader
    let timestampMs: unknown
    try {
      timestampMs = extractor(record, input.partitionTimeMs)
    } catch (cause) {
      throw new StreamsError(
        'RECORD_TIMESTAMP_INVALID',
        `The timestamp extractor of '${this.name}' threw at ${topic}-${partition}@${offset}. Return a negative number to drop a record.`,
        { cause, details: { topic, partition, offset, node: this.name } }
      )
    }
    if (typeof timestampMs !== 'number' || !Number.isSafeInteger(timestampMs)) {
      throw new StreamsError(
        'RECORD_TIMESTAMP_INVALID',
        `The timestamp extractor of '${this.name}' returned ${String(timestampMs)} at ${topic}-${partition}@${offset}. ` +
          'Return integer milliseconds since the epoch, or a negative number to drop the record.',
        { details: { topic, partition, offset, node: this.name, timestampMs } }
      )
    }
    return timestampMs
  }
}
