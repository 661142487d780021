import { ErrorCode } from '../error-code.ts'
import type { Topics } from '../topics/topics.ts'

interface NamedTopic {
  readonly name: string
  readonly partitions: readonly { readonly partitionIndex: number }[]
}

interface TopicAnswer {
  readonly name: string
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
}

/**
 * Asks about those partitions that exist; the others are UNKNOWN_TOPIC_OR_PARTITION. With none that exists nothing is
 * asked at all, as in Kafka.
 */
export function answerExisting<T extends NamedTopic>(
  topics: Topics,
  asked: readonly T[],
  answer: (existing: T[]) => readonly TopicAnswer[]
): TopicAnswer[] {
  const exists = (topic: string, partition: number) => topics.partition(topic, partition) !== undefined
  const existing = asked.flatMap(topic => {
    const partitions = topic.partitions.filter(({ partitionIndex }) => exists(topic.name, partitionIndex))
    return partitions.length === 0 ? [] : [{ ...topic, partitions }]
  })
  const answered = existing.length === 0 ? [] : answer(existing)
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return asked.map(({ name, partitions }) => ({
    name,
    partitions: [
      ...partitions
        .filter(({ partitionIndex }) => !exists(name, partitionIndex))
        .map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      ...answered.filter(topic => topic.name === name).flatMap(topic => topic.partitions)
    ]
  }))
}
