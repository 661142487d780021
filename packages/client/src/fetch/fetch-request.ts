import { type Fetch, type RequestOf, type ResponseOf, ZERO_UUID } from '@millrace/protocol'
import type { FetchedPartition } from './fetched-partition.ts'

/** One partition of a request, with what must still hold when its answer comes. */
export interface FetchEntry {
  readonly partition: FetchedPartition
  readonly generation: number
  readonly fetchOffset: number
  readonly topicId: string
  readonly leaderEpoch: number
  /** Of the last batch before `fetchOffset`: the broker compares it with what it has there (KIP-320, by way of KIP-595). */
  readonly fetchedEpoch: number
  readonly maxBytes: number
  /** Whether a follower is asked (KIP-392). */
  readonly fromFollower: boolean
}

export type FetchedData = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly readCommitted: boolean
  /** Where the client is; empty: its reads go to leaders. */
  readonly rackId: string
}

/** From version 13 on topics go by id alone; 12 is the newest that takes names, for topics whose id is not known. */
export const LAST_VERSION_BY_NAME = 12

/** Keeps the order of the entries, because the broker fills its answer in that order. */
export function fetchRequest(entries: readonly FetchEntry[], limits: FetchLimits): RequestOf<typeof Fetch> {
  const topics: { topic: string; topicId: string; partitions: object[] }[] = []
  for (const { partition, topicId, fetchOffset, leaderEpoch, fetchedEpoch, maxBytes } of entries) {
    let topic = topics.at(-1)
    if (topic === undefined || topic.topic !== partition.topic) {
      topic = { topic: partition.topic, topicId, partitions: [] }
      topics.push(topic)
    }
    topic.partitions.push({
      partition: partition.partition,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset,
      lastFetchedEpoch: fetchedEpoch,
      partitionMaxBytes: maxBytes
    })
  }
  return {
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: limits.readCommitted ? 1 : 0,
    // No incremental session: requests differ from one to the next, as partitions come and go with their buffers.
    sessionId: 0,
    sessionEpoch: -1,
    topics,
    forgottenTopicsData: [],
    rackId: limits.rackId
  } as RequestOf<typeof Fetch>
}

/** Matches an answer to what was asked: by topic id, or by name in the versions that have names. */
export function* matchAnswer(
  entries: readonly FetchEntry[],
  answer: ResponseOf<typeof Fetch>
): Generator<readonly [FetchEntry, FetchedData]> {
  const byKey = new Map<string, FetchEntry>()
  for (const entry of entries) {
    byKey.set(`${entry.topicId} ${entry.partition.partition}`, entry)
    byKey.set(`${entry.partition.topic} ${entry.partition.partition}`, entry)
  }
  for (const { topic, topicId, partitions } of answer.responses) {
    const key = topicId === ZERO_UUID ? topic : topicId
    for (const data of partitions) {
      const entry = byKey.get(`${key} ${data.partitionIndex}`)
      if (entry !== undefined) yield [entry, data]
    }
  }
}
