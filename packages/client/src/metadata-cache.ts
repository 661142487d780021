import type { Metadata, ResponseOf } from '@millrace/protocol'
import type { PartitionLeader, PartitionMetadata, TopicMetadata } from './cluster.ts'
import { KafkaErrorCode } from './kafka-error-code.ts'
import type { BrokerAddress } from './transport.ts'

type MetadataResponse = ResponseOf<typeof Metadata>

interface CachedTopic {
  readonly topic: TopicMetadata
  readonly readAtMs: number
}

/** What the last answers said of brokers and topics. */
export class MetadataCache {
  readonly #brokers = new Map<number, BrokerAddress>()
  readonly #topics = new Map<string, CachedTopic>()
  #controllerId = -1

  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers
  }

  /** -1: not known. */
  get controllerId(): number {
    return this.#controllerId
  }

  forgetController(): void {
    this.#controllerId = -1
  }

  /** Before the addresses given at the start are tried again. */
  forgetBrokers(): void {
    this.#brokers.clear()
    this.#controllerId = -1
  }

  addBroker(nodeId: number, broker: BrokerAddress): void {
    this.#brokers.set(nodeId, broker)
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)?.topic
  }

  /** -Infinity when it is not known at all. */
  readAtMs(name: string): number {
    return this.#topics.get(name)?.readAtMs ?? Number.NEGATIVE_INFINITY
  }

  leader(topic: string, partition: number): PartitionLeader | undefined {
    const found = this.#topics.get(topic)?.topic.partitions[partition]
    if (found === undefined || found.leaderId < 0) return undefined
    return { nodeId: found.leaderId, leaderEpoch: found.leaderEpoch }
  }

  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  /** It was asked for, and nothing new was learnt. */
  keepTopic(name: string, readAtMs: number): void {
    const known = this.#topics.get(name)
    if (known !== undefined) this.#topics.set(name, { topic: known.topic, readAtMs })
  }

  applyBrokers(answer: MetadataResponse): void {
    if (answer.brokers.length === 0) return
    this.#brokers.clear()
    for (const { nodeId, host, port, rack } of answer.brokers) {
      this.#brokers.set(nodeId, { host, port, rack: rack ?? undefined })
    }
    this.#controllerId = answer.controllerId
  }

  applyTopic(answer: MetadataResponse['topics'][number], readAtMs: number): TopicMetadata {
    const name = answer.name as string
    const before = this.#topics.get(name)?.topic
    const sameTopic = before !== undefined && before.topicId === answer.topicId
    const partitions: PartitionMetadata[] = []
    for (const { partitionIndex, leaderId, leaderEpoch, replicaNodes, errorCode } of answer.partitions) {
      const known = sameTopic ? before.partitions[partitionIndex] : undefined
      // Another broker may answer with an older view: going back would send requests to a leader that is none any more.
      const outdated = known !== undefined && leaderEpoch >= 0 && leaderEpoch < known.leaderEpoch
      partitions[partitionIndex] = outdated
        ? known
        : {
            partition: partitionIndex,
            leaderId: errorCode === KafkaErrorCode.LEADER_NOT_AVAILABLE ? -1 : leaderId,
            leaderEpoch,
            replicaIds: replicaNodes
          }
    }
    const topic = { name, topicId: answer.topicId, internal: answer.isInternal, partitions }
    this.#topics.set(name, { topic, readAtMs })
    return topic
  }
}
