import {
  type ErrorCode,
  isStreamsError,
  murmur2Partition,
  type SerdeContext,
  serialized,
  serializeInto,
  type StreamsError,
  whenSerdeReady
} from '../../core/index.ts'
import type { PartitionReader, TopicAppender } from '../../ports/index.ts'
import { type AnySerde, INTERNAL_PREFIX, type SinkNodeSpec, type StreamPartitioner } from '../../topology/index.ts'
import type { OutputTopics } from './output-topics.ts'
import type { TaskFrame } from './task-frame.ts'
import { type AnyStreamRecord, TaskNode } from './task-node.ts'

/** Records without a key go round the partitions in runs of this length, so that batches stay large. */
const KEYLESS_RUN = 128
/** How often a serde is waited for that is not ready for a computed topic, before the application goes back to its last commit. */
const MAX_WAITS = 2

/** For what all sinks write, which is copied before the next is written. */
const scratch = Buffer.allocUnsafeSlow(32 * 1024)
/** For a sink that is reached while another writes: by a partitioner that forwards, say. */
const NO_ROOM = Buffer.allocUnsafeSlow(0)
let isWriting = false

type OnFailure = (code: ErrorCode, what: string, cause: unknown) => void

/** Serialises and appends to an output topic. */
export class SinkNode extends TaskNode {
  readonly #frame: TaskFrame
  readonly #spec: SinkNodeSpec
  readonly #outputs: OutputTopics
  readonly #contexts = new Map<string, { readonly key: SerdeContext; readonly value: SerdeContext }>()
  private readonly key: AnySerde
  private readonly value: AnySerde
  private readonly partitioner: StreamPartitioner | undefined
  private readonly appender: TopicAppender | undefined
  readonly #isInternal: boolean
  #keyless = 0
  /** Settles when no record waits for its serde any more; undefined when none does. */
  #later: Promise<void> | undefined

  /** @param appender - of a fixed topic; undefined when the topic is computed for each record. */
  constructor(spec: SinkNodeSpec, frame: TaskFrame, appender: TopicAppender | undefined, outputs: OutputTopics) {
    super(spec.name)
    this.#spec = spec
    this.#frame = frame
    this.#outputs = outputs
    this.key = spec.key
    this.value = spec.value
    this.partitioner = spec.partitioner
    this.appender = appender
    this.#isInternal = typeof spec.topic === 'string' && spec.topic.startsWith(INTERNAL_PREFIX)
    this.#keyless = frame.partition * KEYLESS_RUN
  }

  override process(record: AnyStreamRecord): void {
    this.metrics.processed++
    const { appender } = this
    if (appender === undefined) {
      this.#processComputed(record)
      return
    }
    const wasWriting = isWriting
    isWriting = true
    try {
      this.#append(record, appender, wasWriting ? NO_ROOM : scratch)
    } finally {
      isWriting = wasWriting
    }
  }

  /** What the serdes write goes to `buffer` first, if they write into buffers. */
  #append(record: AnyStreamRecord, appender: TopicAppender, buffer: Buffer): void {
    const { topic } = appender
    let step = 'its key could not be serialised'
    try {
      const contexts = this.#contextsOf(topic)
      const key = record.key
      let keyBytes: Uint8Array | null = null
      let keyEnd = -1
      if (key !== null && key !== undefined) {
        const written = serializeInto(this.key, key, buffer, 0, contexts.key)
        keyBytes = typeof written === 'number' ? buffer : written
        keyEnd = typeof written === 'number' ? written : written.length
      }
      step = 'its value could not be serialised'
      const value = record.value
      const read = this.#readerOf(value)
      let valueBytes: Uint8Array | null = null
      let valueStart = 0
      let valueEnd = -1
      if (read !== undefined) {
        valueBytes = read.buffer
        valueStart = read.valueStart
        valueEnd = read.valueEnd
      } else if (value !== null && value !== undefined) {
        const start = keyBytes === buffer ? keyEnd : 0
        const written = serializeInto(this.value, value, buffer, start, contexts.value)
        if (typeof written === 'number') {
          valueBytes = buffer
          valueStart = start
          valueEnd = written
        } else {
          valueBytes = written
          valueEnd = written.length
        }
      }

      step = 'it was refused'
      appender.append(
        this.#partitionOf(topic, record, keyBytes, keyEnd, appender.partitionCount),
        keyBytes,
        0,
        keyEnd,
        valueBytes,
        valueStart,
        valueEnd,
        record.timestampMs,
        record.headers
      )
    } catch (error) {
      const { errors } = this.#frame
      if (this.#isInternal && isStreamsError(error, 'RECORD_TOO_LARGE')) errors.repartitionRefused(this, topic, error)
      errors.productionFailed(this, topic, codeOf(step), step, error)
    }
  }

  /** The reader of the record in work, if that carries `value` on as it was read and its bytes may be written for it. */
  #readerOf(value: unknown): PartitionReader | undefined {
    const from = this.#frame.inputPartition
    // Primitives that are equal may have been read from other bytes.
    const isRead = from !== undefined && value === from.valueRead && typeof value === 'object' && value !== null
    return isRead && this.value.keepsBytes === true && this.value === from.source.value ? from.reader : undefined
  }

  #processComputed(record: AnyStreamRecord): void {
    const { errors } = this.#frame
    let topic = ''
    try {
      topic = this.#topicOf(record)
    } catch (error) {
      errors.productionFailed(this, topic, 'RECORD_PRODUCE_FAILED', 'its topic could not be computed', error)
      return
    }
    if (this.#later !== undefined) {
      this.#writeLater(topic, record, undefined)
      return
    }
    const failed: OnFailure = (code, what, error) => errors.productionFailed(this, topic, code, what, error)
    const notReady = this.#write(topic, record, failed, () => errors.laterProductionFailure(this, topic))
    if (notReady !== undefined) this.#writeLater(topic, record, notReady)
  }

  /** Why a serde is not ready; undefined when the record was written, or its failure handled. */
  #write(
    topic: string,
    record: AnyStreamRecord,
    failed: OnFailure,
    failedLater: () => OnFailure
  ): StreamsError | undefined {
    const { key, value, timestampMs, headers } = record
    let step = 'its key could not be serialised'
    try {
      const contexts = this.#contextsOf(topic)
      const keyBytes = key === null || key === undefined ? null : serialized(this.key.serialize(key, contexts.key))
      step = 'its value could not be serialised'
      const read = this.#readerOf(value)
      let valueBytes: Uint8Array | null = null
      if (read !== undefined) valueBytes = read.buffer.subarray(read.valueStart, read.valueEnd)
      else if (value !== null && value !== undefined) {
        valueBytes = serialized(this.value.serialize(value, contexts.value))
      }
      step = 'it was refused'
      const choose = (count: number) => this.#partitionOf(topic, record, keyBytes, keyBytes?.length ?? -1, count)
      const whenWaiting = () => {
        const refused = failedLater()
        return (error: unknown) => refused('RECORD_PRODUCE_FAILED', 'it was refused', error)
      }
      this.#outputs.write(topic, choose, keyBytes, valueBytes, timestampMs, headers, whenWaiting)
    } catch (error) {
      if (isStreamsError(error, 'SERDE_NOT_READY')) return error
      failed(codeOf(step), step, error)
    }
    return undefined
  }

  /**
   * Writes a record when its serde is ready, behind those that wait already; its task waits. Of a serde that does not get ready
   * soon the error is thrown instead: going back to the last commit can be left at any time, this cannot.
   */
  #writeLater(topic: string, record: AnyStreamRecord, notReady: StreamsError | undefined): void {
    const failed = this.#frame.errors.laterProductionFailure(this, topic)
    const before = this.#later
    const write = async (): Promise<void> => {
      await before
      let error = notReady
      for (let waits = 0; ; waits++) {
        if (error !== undefined) {
          if (waits > MAX_WAITS) throw error
          await whenSerdeReady(error)
        }
        error = this.#write(topic, record, failed, () => failed)
        if (error === undefined) return
      }
    }
    const later = write().finally(() => {
      if (this.#later === later) this.#later = undefined
    })
    // The task learns of it by what it awaits.
    later.catch(() => {})
    this.#later = later
    this.#frame.awaited.push(later)
  }

  /** `keyEnd`: where the key ends in `keyBytes`. */
  #partitionOf(
    topic: string,
    record: AnyStreamRecord,
    keyBytes: Uint8Array | null,
    keyEnd: number,
    partitionCount: number
  ): number {
    if (this.partitioner !== undefined) {
      const partition = this.partitioner(topic, record.key, record.value, partitionCount)
      if (partition !== undefined) {
        if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount) return partition
        throw new RangeError(
          `the partitioner returned ${partition}, but '${topic}' has partitions 0 to ${partitionCount - 1}`
        )
      }
    }
    if (keyBytes !== null) return murmur2Partition(keyBytes, partitionCount, keyEnd)
    return Math.floor(this.#keyless++ / KEYLESS_RUN) % partitionCount
  }

  #topicOf(record: AnyStreamRecord): string {
    const { topic } = this.#spec
    if (typeof topic === 'string') return topic
    const name: unknown = topic(record.key, record.value, {
      timestampMs: record.timestampMs,
      headers: record.headers,
      metadata: this.#frame.recordMetadata()
    })
    if (typeof name === 'string' && name !== '') return name
    throw new TypeError(`the function that names the topic returned ${String(name)}`)
  }

  #contextsOf(topic: string) {
    let contexts = this.#contexts.get(topic)
    if (contexts === undefined) {
      contexts = { key: { topic, isKey: true }, value: { topic, isKey: false } }
      this.#contexts.set(topic, contexts)
    }
    return contexts
  }
}

function codeOf(step: string): ErrorCode {
  return step.endsWith('serialised') ? 'RECORD_SERIALIZE_FAILED' : 'RECORD_PRODUCE_FAILED'
}
