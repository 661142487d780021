import { DeleteGroups, DescribeGroups, kafkaError, OffsetFetch } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { CommittedOffset, GroupDescription, TopicPartition } from '@millrace/streams/ports'
import type { Target } from '../cluster.ts'
import { groupRequestError, isPassing, isUnexpected, topicError } from './admin-errors.ts'
import type { AdminSession, Attempt } from './admin-session.ts'

/** From this version on the broker can hold an answer back while a transaction has offsets pending (KIP-447). */
const REQUIRE_STABLE_VERSION = 7

export interface FetchOffsetsOptions {
  readonly requireStable: boolean
  readonly timeoutMs?: number
  readonly onUnstable?: () => void
}

export async function fetchOffsets(
  session: AdminSession,
  groupId: string,
  partitions: readonly TopicPartition[],
  { requireStable, timeoutMs, onUnstable }: FetchOffsetsOptions
): Promise<readonly CommittedOffset[]> {
  if (partitions.length === 0) return []
  const target = { groupCoordinator: groupId }
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitionIndexes: [...new Set(list.map(({ partition }) => partition))]
  }))
  return await session.retry(
    `fetching offsets of group '${groupId}'`,
    async (): Promise<Attempt<readonly CommittedOffset[]>> => {
      // One group up to version 7, several from 8 on: each version takes the fields that it knows.
      const answer = await session.cluster.request(
        target,
        OffsetFetch,
        { groupId, topics, groups: [{ groupId, topics }], requireStable },
        requireStable ? { minVersion: REQUIRE_STABLE_VERSION } : {}
      )
      const group = answer.groups[0] ?? answer
      if (kafkaError(group.errorCode).name !== 'GROUP_ID_NOT_FOUND' && group.errorCode !== 0) {
        return passingOrThrow(session, target, 'Fetching offsets of', groupId, group.errorCode)
      }
      const found = new Map<string, CommittedOffset>()
      for (const topic of group.topics) {
        for (const each of topic.partitions) {
          const error = kafkaError(each.errorCode)
          if (error.name === 'UNSTABLE_OFFSET_COMMIT') {
            onUnstable?.()
            return { done: false, patient: true, error: unstable(groupId, topic.name, each.partitionIndex) }
          }
          if (error.name !== 'NONE') {
            const code = error.retriable ? 'CLIENT_REQUEST_FAILED' : 'CLIENT_PROTOCOL_ERROR'
            const problem = topicError(
              code,
              `Fetching offsets of group '${groupId}' for`,
              topic.name,
              each.errorCode,
              null
            )
            if (!isPassing(each.errorCode)) throw problem
            return { done: false, error: problem, unexpected: isUnexpected(each.errorCode) }
          }
          const offset = { topic: topic.name, partition: each.partitionIndex }
          found.set(`${topic.name}/${each.partitionIndex}`, {
            ...offset,
            offset: each.committedOffset,
            leaderEpoch: each.committedLeaderEpoch,
            metadata: each.metadata ?? ''
          })
        }
      }
      const value = partitions.map(
        ({ topic, partition }) =>
          found.get(`${topic}/${partition}`) ?? { topic, partition, offset: -1, leaderEpoch: -1, metadata: '' }
      )
      return { done: true, value }
    },
    timeoutMs
  )
}

export async function describeGroup(session: AdminSession, groupId: string): Promise<GroupDescription> {
  const target = { groupCoordinator: groupId }
  return await session.retry(`describing group '${groupId}'`, async (): Promise<Attempt<GroupDescription>> => {
    const answer = await session.cluster.request(target, DescribeGroups, {
      groups: [groupId],
      includeAuthorizedOperations: false
    })
    const group = answer.groups[0]
    // A group that never was, or was deleted: an error from version 6 on, before that a state.
    if (group === undefined || kafkaError(group.errorCode).name === 'GROUP_ID_NOT_FOUND') {
      return { done: true, value: { groupId, state: 'Dead', members: [] } }
    }
    if (group.errorCode !== 0) return passingOrThrow(session, target, 'Describing', groupId, group.errorCode)
    const members = group.members.map(({ memberId, clientId, clientHost }) => ({
      memberId,
      clientId,
      host: clientHost
    }))
    return { done: true, value: { groupId, state: group.groupState, members } }
  })
}

/** A group that is not there is fine. */
export async function deleteGroup(session: AdminSession, groupId: string): Promise<void> {
  const target = { groupCoordinator: groupId }
  await session.retry(`deleting group '${groupId}'`, async (): Promise<Attempt<undefined>> => {
    const answer = await session.cluster.request(target, DeleteGroups, { groupsNames: [groupId] })
    const errorCode = answer.results[0]?.errorCode ?? 0
    if (errorCode === 0 || kafkaError(errorCode).name === 'GROUP_ID_NOT_FOUND') return { done: true, value: undefined }
    return passingOrThrow(session, target, 'Deleting', groupId, errorCode)
  })
}

function passingOrThrow(
  session: AdminSession,
  target: Target,
  doing: string,
  groupId: string,
  errorCode: number
): Attempt<never> {
  const error = groupRequestError(doing, groupId, errorCode)
  if (!isPassing(errorCode)) throw error
  session.cluster.forgetCoordinator(target)
  return { done: false, error, unexpected: isUnexpected(errorCode) }
}

function unstable(groupId: string, topic: string, partition: number): StreamsError {
  return new StreamsError(
    'GROUP_OFFSETS_UNSTABLE',
    `The committed offset of group '${groupId}' for partition ${partition} of topic '${topic}' is part of an open transaction, which did not end in time. It ends at the latest by its transaction time-out.`,
    { details: { groupId, topic, partition } }
  )
}
