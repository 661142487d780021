import { StreamsError } from '@millrace/streams/core'
import type { Headers } from '@millrace/streams/core'
import type { TopicAppender } from '@millrace/streams/ports'
import type { Cluster, TopicMetadata } from '../cluster.ts'
import type { OutputTopicWatch, WatchedTopic } from './output-topic-watch.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { Sender } from './sender.ts'

/** What a batch without records takes. */
const BATCH_OVERHEAD_BYTES = 61

/** Copies records into the open batches of one topic. Runs once for every record. */
export class TopicQueueAppender implements TopicAppender, WatchedTopic {
  readonly topic: string
  partitionCount = 0
  /** Also of partitions that are gone: what they hold is still to be settled. */
  private readonly queues: PartitionQueue[] = []
  private metadata: TopicMetadata
  private readonly cluster: Pick<Cluster, 'cachedTopic'>
  private readonly watch: OutputTopicWatch
  private readonly sender: Sender
  private readonly batchBytes: number
  private readonly maxRequestBytes: number

  constructor(
    metadata: TopicMetadata,
    cluster: Pick<Cluster, 'cachedTopic'>,
    watch: OutputTopicWatch,
    sender: Sender,
    options: ResolvedProducerOptions
  ) {
    this.topic = metadata.name
    this.metadata = metadata
    this.cluster = cluster
    this.watch = watch
    this.sender = sender
    this.batchBytes = Math.min(options.batchBytes, options.maxRequestBytes)
    this.maxRequestBytes = options.maxRequestBytes
    this.takePartitions(metadata.partitions.length)
  }

  append(
    partition: number,
    keyBytes: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
    headers: Headers
  ): void {
    const { sender } = this
    const queue = this.queues[partition]
    if (sender.error !== undefined || queue === undefined || partition >= this.partitionCount || !(timestampMs >= -1)) {
      throw this.refusal(partition, timestampMs)
    }
    const { builder } = queue
    const keySize = keyBytes === null || keyEnd < 0 ? 0 : keyEnd - keyStart
    const valueSize = valueBytes === null || valueEnd < 0 ? 0 : valueEnd - valueStart
    const sizeAfter = builder.sizeBytesAfter(keySize, valueSize, headers)
    if (sizeAfter > this.batchBytes) this.makeRoom(queue, sizeAfter - builder.sizeBytes)
    if (builder.count === 0) {
      this.followMetadata()
      if (partition >= this.partitionCount) throw this.refusal(partition, timestampMs)
      sender.opened(queue)
      sender.buffer.bytes += BATCH_OVERHEAD_BYTES
      this.watch.used(this, queue.openedMs)
    }
    const sizeBefore = builder.sizeBytes
    builder.append(keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd, timestampMs, headers)
    sender.buffer.bytes += builder.sizeBytes - sizeBefore
  }

  ackedEndOffset(partition: number): number {
    return this.queues[partition]?.endOffset ?? -1
  }

  followMetadata(): void {
    const { metadata: before } = this
    const metadata = this.cluster.cachedTopic(this.topic)
    if (metadata === undefined || metadata === before || metadata.partitions.length === 0) return
    this.metadata = metadata
    const { length } = metadata.partitions
    // No topic shrinks: fewer partitions are an older view of it, unless it is another topic of that name.
    if (length > this.partitionCount || metadata.topicId !== before.topicId) this.takePartitions(length)
  }

  private takePartitions(count: number): void {
    this.partitionCount = count
    while (this.queues.length < count) this.queues.push(new PartitionQueue(this.topic, this.queues.length))
  }

  private makeRoom(queue: PartitionQueue, recordBytes: number): void {
    const sizeBytes = BATCH_OVERHEAD_BYTES + recordBytes
    if (sizeBytes > this.maxRequestBytes) {
      throw new StreamsError(
        'RECORD_TOO_LARGE',
        `A record of up to ${sizeBytes} bytes for topic '${this.topic}', partition ${queue.partition}, exceeds maxRequestBytes, ` +
          `${this.maxRequestBytes}; raise it (and the topic's max.message.bytes) or write smaller records`,
        { details: { topic: this.topic, partition: queue.partition, sizeBytes, maxRequestBytes: this.maxRequestBytes } }
      )
    }
    if (queue.builder.count > 0) this.sender.filled(queue)
  }

  private refusal(partition: number, timestampMs: number): Error {
    if (this.sender.error !== undefined) return this.sender.error
    if (this.queues[partition] === undefined || partition >= this.partitionCount) {
      return new StreamsError(
        'RECORD_PRODUCE_FAILED',
        `Topic '${this.topic}' has ${this.partitionCount} partitions, but a record is for partition ${partition}; ` +
          'see that the partitioner stays below the count',
        { details: { topic: this.topic, partition, partitionCount: this.partitionCount } }
      )
    }
    return new StreamsError(
      'RECORD_TIMESTAMP_INVALID',
      `A record for topic '${this.topic}' has the timestamp ${timestampMs}; it should be milliseconds since 1970, or -1 for none`,
      { details: { topic: this.topic, partition, timestampMs } }
    )
  }
}
