import { ConsumerProtocolAssignment, ConsumerProtocolSubscription, decodeData, encodeData } from '@millrace/protocol'
import type { AssignorMember, AssignorResult, TopicPartition } from '@millrace/streams/ports'
import { flattenTopics, groupByTopic } from './partition-set.ts'

/** What a member tells the leader with each join. */
export interface Subscription {
  readonly topics: readonly string[]
  readonly userData: Uint8Array
  readonly owned: readonly TopicPartition[]
  /** Generation under which `owned` was assigned; -1 when there is none. */
  readonly generationId: number
}

/** 3 since Kafka 3.5; older readers skip what they do not know, since versions only append. */
const VERSION = 3

/** In Kafka's own format, so that its tools show the group's topics and partitions. */
export function encodeSubscription(subscription: Subscription): Buffer {
  return encodeData(ConsumerProtocolSubscription, VERSION, {
    topics: [...subscription.topics].sort(),
    userData: asBuffer(subscription.userData),
    ownedPartitions: groupByTopic(subscription.owned),
    generationId: subscription.generationId,
    rackId: null
  })
}

export function decodeSubscription(memberId: string, groupInstanceId: string | null, metadata: Buffer): AssignorMember {
  const decoded = decodeData(ConsumerProtocolSubscription, metadata)
  return {
    memberId,
    groupInstanceId: groupInstanceId ?? undefined,
    topics: decoded.topics,
    userData: decoded.userData ?? NO_BYTES,
    owned: flattenTopics(decoded.ownedPartitions),
    generationId: decoded.generationId
  }
}

export function encodeAssignment(result: AssignorResult): Buffer {
  return encodeData(ConsumerProtocolAssignment, VERSION, {
    assignedPartitions: groupByTopic(result.partitions),
    userData: asBuffer(result.userData)
  })
}

/** Empty bytes mean that the leader had nothing for this member. */
export function decodeAssignment(bytes: Buffer): AssignorResult {
  if (bytes.length === 0) return { partitions: [], userData: NO_BYTES }
  const decoded = decodeData(ConsumerProtocolAssignment, bytes)
  return { partitions: flattenTopics(decoded.assignedPartitions), userData: decoded.userData ?? NO_BYTES }
}

const NO_BYTES = new Uint8Array(0)

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
