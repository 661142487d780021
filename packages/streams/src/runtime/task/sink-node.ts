import { murmur2Partition, type SerdeContext } from '../../core/index.ts'
import type { TopicAppender } from '../../ports/index.ts'
import type { AnySerde, SinkNodeSpec, StreamPartitioner } from '../../topology/index.ts'
import type { OutputTopics } from './output-topics.ts'
import type { TaskFrame } from './task-frame.ts'
import { type AnyStreamRecord, TaskNode } from './task-node.ts'

/** Records without a key go round the partitions in runs of this length, so that batches stay large. */
const KEYLESS_RUN = 128

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
  #keyless = 0

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
    this.#keyless = frame.partition * KEYLESS_RUN
  }

  override process(record: AnyStreamRecord): void {
    this.metrics.processed++
    let topic = this.appender?.topic ?? ''
    let step = 'its topic could not be computed'
    try {
      if (this.appender === undefined) topic = this.#topicOf(record)
      const contexts = this.#contextsOf(topic)

      step = 'its key could not be serialised'
      const key = record.key
      const keyBytes = key === null || key === undefined ? null : this.key.serialize(key, contexts.key)
      step = 'its value could not be serialised'
      const value = record.value
      const valueBytes = value === null || value === undefined ? null : this.value.serialize(value, contexts.value)

      step = 'it was refused'
      if (this.appender === undefined) {
        const choose = (count: number) => this.#partitionOf(topic, record, keyBytes, count)
        const whenWaiting = () => {
          const refused = this.#frame.errors.laterProductionFailure(this, topic)
          return (error: unknown) => refused('RECORD_PRODUCE_FAILED', 'it was refused', error)
        }
        this.#outputs.write(topic, choose, keyBytes, valueBytes, record.timestampMs, record.headers, whenWaiting)
        return
      }
      this.appender.append(
        this.#partitionOf(topic, record, keyBytes, this.appender.partitionCount),
        keyBytes,
        0,
        keyBytes === null ? -1 : keyBytes.length,
        valueBytes,
        0,
        valueBytes === null ? -1 : valueBytes.length,
        record.timestampMs,
        record.headers
      )
    } catch (error) {
      const code = step.endsWith('serialised') ? 'RECORD_SERIALIZE_FAILED' : 'RECORD_PRODUCE_FAILED'
      this.#frame.errors.productionFailed(this, topic, code, step, error)
    }
  }

  #partitionOf(topic: string, record: AnyStreamRecord, keyBytes: Uint8Array | null, partitionCount: number): number {
    if (this.partitioner !== undefined) {
      const partition = this.partitioner(topic, record.key, record.value, partitionCount)
      if (partition !== undefined) {
        if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount) return partition
        throw new RangeError(
          `the partitioner returned ${partition}, but '${topic}' has partitions 0 to ${partitionCount - 1}`
        )
      }
    }
    if (keyBytes !== null) return murmur2Partition(keyBytes, partitionCount)
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
