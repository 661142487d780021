import type { TopicPartition } from './transaction.ts'

/** Where Kafka keeps offsets. Here they are kept elsewhere; but a transaction that has some shows this topic. */
export const OFFSETS_TOPIC = '__consumer_offsets'
const OFFSETS_PARTITION_COUNT = 50

/** The partition that Kafka would keep the group's offsets in. */
export function offsetsPartitionOf(groupId: string): TopicPartition {
  let hash = 0
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0
  // As Kafka's `Utils.abs`: clears the sign.
  const positive = hash === -2_147_483_648 ? 0 : Math.abs(hash)
  return { topic: OFFSETS_TOPIC, partition: positive % OFFSETS_PARTITION_COUNT }
}
