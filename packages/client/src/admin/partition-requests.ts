import { DeleteRecords, kafkaError, ListOffsets } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { IsolationLevel, TopicPartition } from '@millrace/streams/ports'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import { isPassing, isUnexpected, topicError } from './admin-errors.ts'
import type { AdminSession } from './admin-session.ts'

const LATEST = -1
const EARLIEST = -2
const BROKER_TIMEOUT_MS = 20_000

type OffsetQuestion = TopicPartition & { readonly at: 'earliest' | 'latest' | number }

export async function listOffsets(
  session: AdminSession,
  questions: readonly OffsetQuestion[],
  isolation: IsolationLevel
): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
  const offsets = await askLeaders(session, 'Finding offsets of', questions, async (nodeId, asked) => {
    const answer = await session.cluster.request({ nodeId }, ListOffsets, {
      replicaId: -1,
      isolationLevel: isolation === 'read_committed' ? 1 : 0,
      topics: byTopic(asked, ({ partition, at }, currentLeaderEpoch) => ({
        partitionIndex: partition,
        currentLeaderEpoch,
        timestamp: at === 'latest' ? LATEST : at === 'earliest' ? EARLIEST : at
      })),
      timeoutMs: BROKER_TIMEOUT_MS
    })
    return answersByPartition(answer.topics, each => each.offset)
  })
  return questions.map(({ topic, partition }, index) => ({ topic, partition, offset: offsets[index] as number }))
}

export async function deleteRecords(
  session: AdminSession,
  offsets: readonly (TopicPartition & { readonly offset: number })[]
): Promise<void> {
  await askLeaders(session, 'Deleting records of', offsets, async (nodeId, asked) => {
    const answer = await session.cluster.request({ nodeId }, DeleteRecords, {
      topics: byTopic(asked, ({ partition, offset }) => ({ partitionIndex: partition, offset })),
      timeoutMs: BROKER_TIMEOUT_MS
    })
    return answersByPartition(answer.topics, each => each.lowWatermark)
  })
}

interface Asked<Q> {
  readonly question: Q
  readonly leaderEpoch: number
}

interface PartitionAnswer {
  readonly errorCode: number
  readonly value: number
}

/**
 * Asks each partition's leader, and asks those again whose leader has moved, or is not there at present.
 *
 * @returns One value for each question, in their order.
 * @throws StreamsError `TOPIC_MISSING` also when the topic has no such partition.
 */
async function askLeaders<Q extends TopicPartition>(
  session: AdminSession,
  doing: string,
  questions: readonly Q[],
  ask: (nodeId: number, asked: readonly Asked<Q>[]) => Promise<ReadonlyMap<string, PartitionAnswer>>
): Promise<readonly (number | undefined)[]> {
  const values: (number | undefined)[] = questions.map(() => undefined)
  const open = new Set(questions.keys())
  if (open.size === 0) return values
  let outdated = false
  await session.retry(doing, async () => {
    const asked = [...open].map(index => questions[index] as Q)
    const names = [...new Set(asked.map(({ topic }) => topic))]
    if (outdated) await session.cluster.refresh(names)
    outdated = true
    await requirePartitions(session, doing, asked, names)

    let passing: Error | undefined
    let unexpected = false
    const batches = batchesByLeader(session, questions, open)
    if (batches.leaderless !== undefined) {
      const { topic } = batches.leaderless
      passing = topicError('CLIENT_REQUEST_FAILED', doing, topic, KafkaErrorCode.LEADER_NOT_AVAILABLE, null)
    }
    const outcomes = await Promise.allSettled(
      batches.batches.map(async ({ nodeId, indexes }) => {
        const batch = indexes.map(index => toAsked(session, questions[index] as Q))
        const answers = await ask(nodeId, batch)
        for (const index of indexes) {
          const { topic, partition } = questions[index] as Q
          const answer = answers.get(keyOf(topic, partition))
          const errorCode = answer?.errorCode ?? KafkaErrorCode.UNKNOWN_SERVER_ERROR
          if (answer !== undefined && errorCode === 0) {
            values[index] = answer.value
            open.delete(index)
          } else {
            const problem = partitionError(doing, topic, partition, errorCode)
            if (!isPassing(errorCode)) throw problem
            passing = problem
            unexpected ||= isUnexpected(errorCode)
          }
        }
      })
    )
    // All are awaited first: what an abandoned request finds out would be lost.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return passing === undefined ? { done: true, value: undefined } : { done: false, error: passing, unexpected }
  })
  return values
}

async function requirePartitions(
  session: AdminSession,
  doing: string,
  asked: readonly TopicPartition[],
  names: readonly string[]
): Promise<void> {
  const topics = await session.cluster.topics(names)
  for (const { topic, partition } of asked) {
    const partitionCount = topics.get(topic)?.partitions.length ?? 0
    if (partition < partitionCount) continue
    const what =
      partitionCount === 0 ? 'it does not exist' : `it has ${partitionCount} partitions, not a partition ${partition}`
    throw new StreamsError(
      'TOPIC_MISSING',
      `${doing} topic '${topic}' failed: ${what}. Create the topic, or correct its name.`,
      {
        details: { topic, partition, partitionCount }
      }
    )
  }
}

/** A request holds a partition once: a second question about it goes in another. */
function batchesByLeader<Q extends TopicPartition>(
  session: AdminSession,
  questions: readonly Q[],
  open: ReadonlySet<number>
): {
  readonly batches: readonly { nodeId: number; indexes: number[] }[]
  readonly leaderless: TopicPartition | undefined
} {
  const batches = new Map<string, { nodeId: number; indexes: number[] }>()
  const seen = new Map<string, number>()
  let leaderless: TopicPartition | undefined
  for (const index of open) {
    const { topic, partition } = questions[index] as Q
    const leader = session.cluster.leader(topic, partition)
    if (leader === undefined) {
      leaderless = { topic, partition }
      continue
    }
    const repetition = seen.get(keyOf(topic, partition)) ?? 0
    seen.set(keyOf(topic, partition), repetition + 1)
    const key = `${leader.nodeId}/${repetition}`
    const batch = batches.get(key)
    if (batch === undefined) batches.set(key, { nodeId: leader.nodeId, indexes: [index] })
    else batch.indexes.push(index)
  }
  return { batches: [...batches.values()], leaderless }
}

function toAsked<Q extends TopicPartition>({ cluster }: AdminSession, question: Q): Asked<Q> {
  return { question, leaderEpoch: cluster.leader(question.topic, question.partition)?.leaderEpoch ?? -1 }
}

function byTopic<Q extends TopicPartition, P>(
  asked: readonly Asked<Q>[],
  toPartition: (question: Q, leaderEpoch: number) => P
): { name: string; partitions: P[] }[] {
  return [...Map.groupBy(asked, ({ question }) => question.topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ question, leaderEpoch }) => toPartition(question, leaderEpoch))
  }))
}

function answersByPartition<P extends { readonly partitionIndex: number; readonly errorCode: number }>(
  topics: readonly { readonly name: string; readonly partitions: readonly P[] }[],
  valueOf: (partition: P) => number
): ReadonlyMap<string, PartitionAnswer> {
  const answers = new Map<string, PartitionAnswer>()
  for (const { name, partitions } of topics) {
    for (const each of partitions) {
      answers.set(keyOf(name, each.partitionIndex), { errorCode: each.errorCode, value: valueOf(each) })
    }
  }
  return answers
}

function partitionError(doing: string, topic: string, partition: number, errorCode: number): StreamsError {
  const error = kafkaError(errorCode)
  const details = { topic, partition, kafkaError: error.name, kafkaErrorCode: errorCode }
  if (error.name === 'OFFSET_OUT_OF_RANGE') {
    return new StreamsError(
      'CLIENT_OFFSET_OUT_OF_RANGE',
      `${doing} partition ${partition} of topic '${topic}' failed: the offset is beyond its high watermark.`,
      { details }
    )
  }
  if (error.name === 'POLICY_VIOLATION') {
    return new StreamsError(
      'TOPIC_CONFIG_MISMATCH',
      `${doing} topic '${topic}' failed: its cleanup.policy does not include 'delete'. Change that config, or leave its records alone.`,
      { details }
    )
  }
  return topicError(error.retriable ? 'CLIENT_REQUEST_FAILED' : 'CLIENT_PROTOCOL_ERROR', doing, topic, errorCode, null)
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
