import type { TopicPartition } from '@millrace/streams/ports'

/** Topic names hold no slash, so this is unambiguous. */
export function partitionKey(partition: TopicPartition): string {
  return `${partition.topic}/${partition.partition}`
}

/** Those of `from` that are not in `without`. */
export function partitionsWithout(
  from: readonly TopicPartition[],
  without: readonly TopicPartition[]
): readonly TopicPartition[] {
  const keys = new Set(without.map(partitionKey))
  return from.filter(partition => !keys.has(partitionKey(partition)))
}

/** As the protocol lists them: by topic, both sorted, so that equal sets have equal bytes. */
export function groupByTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const list = byTopic.get(topic)
    if (list === undefined) byTopic.set(topic, [partition])
    else list.push(partition)
  }
  return [...byTopic]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, list]) => ({ topic, partitions: list.sort((a, b) => a - b) }))
}

export function flattenTopics(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
