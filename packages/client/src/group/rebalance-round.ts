import { JoinGroup, kafkaError, type ResponseOf, SyncGroup } from '@millrace/protocol'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { AssignorMember, AssignorResult } from '@millrace/streams/ports'
import { groupError, type Reaction } from './group-answers.ts'
import type { GroupSession } from './group-session.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Subscription
} from './membership-codec.ts'
import { checkAssignment } from './check-assignment.ts'

const PROTOCOL_TYPE = 'consumer'
/** The coordinator answers a join when all members joined or their time is up; this is for the answer's way. */
const JOIN_GRACE_MS = 5_000

/** A step that did not lead on: what to do about it. `error` where the reaction is `fail`. */
export interface Setback {
  readonly reaction: Exclude<Reaction, 'accept'>
  readonly reason: string
  readonly error?: unknown
}

export interface Joined {
  readonly reaction: 'accept'
  readonly memberId: string
  readonly generationId: number
  readonly protocolName: string | null
  /** All members' subscriptions in the leader, undefined in the others. */
  readonly members: readonly AssignorMember[] | undefined
  /** A leader that came back under its static id: the group goes on with the assignment it has (KIP-814). */
  readonly skipAssignment: boolean
}

export interface Synced {
  readonly reaction: 'accept'
  readonly assignment: AssignorResult
}

/** Sends one JoinGroup. Never rejects. A memberId that came along is kept in the session. */
export async function join(
  session: GroupSession,
  subscription: Subscription,
  reason: string
): Promise<Joined | Setback> {
  let answer: ResponseOf<typeof JoinGroup>
  try {
    answer = await session.cluster.request(
      session.coordinator,
      JoinGroup,
      {
        groupId: session.groupId,
        sessionTimeoutMs: session.sessionTimeoutMs,
        rebalanceTimeoutMs: session.rebalanceTimeoutMs,
        memberId: session.memberId,
        groupInstanceId: session.groupInstanceId ?? null,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: session.options.assignor.name, metadata: encodeSubscription(subscription) }],
        reason
      },
      { lane: session.joinLane, timeoutMs: session.rebalanceTimeoutMs + JOIN_GRACE_MS }
    )
  } catch (error) {
    return requestFailed(session, 'JoinGroup', error)
  }
  const reaction = session.reactionTo('JoinGroup', answer.errorCode)
  if (reaction === 'name-yourself') return { reaction, reason: answer.memberId }
  if (reaction !== 'accept') return setback(session, 'JoinGroup', reaction, answer.errorCode)
  try {
    return {
      reaction,
      memberId: answer.memberId,
      generationId: answer.generationId,
      protocolName: answer.protocolName,
      members:
        answer.leader === answer.memberId
          ? answer.members.map(each => decodeSubscription(each.memberId, each.groupInstanceId, each.metadata))
          : undefined,
      skipAssignment: answer.skipAssignment
    }
  } catch (error) {
    return {
      reaction: 'fail',
      reason: 'a subscription could not be read',
      error: new StreamsError(
        'GROUP_PROTOCOL_INCONSISTENT',
        `A member of group '${session.groupId}' sent a subscription that is not in Kafka's consumer format. Stop it, or choose another application id.`,
        { cause: error, details: { groupId: session.groupId } }
      )
    }
  }
}

/** The leader's part: asks the assignor, and checks what it says before others act on it. */
export async function assign(
  session: GroupSession,
  members: readonly AssignorMember[]
): Promise<{ readonly reaction: 'accept'; readonly results: ReadonlyMap<string, AssignorResult> } | Setback> {
  try {
    const results = await session.options.assignor.assign(members)
    checkAssignment(session.options.assignor.name, members, results)
    return { reaction: 'accept', results }
  } catch (error) {
    if (isStreamsError(error) && error.action === 'retry') {
      return { reaction: 'retry', reason: `the assignor failed: ${error.message}` }
    }
    return { reaction: 'fail', reason: 'the assignor failed', error }
  }
}

/** Sends one SyncGroup, with the results in the leader. Never rejects. */
export async function sync(
  session: GroupSession,
  protocolName: string | null,
  results: ReadonlyMap<string, AssignorResult>
): Promise<Synced | Setback> {
  try {
    const answer = await session.cluster.request(
      session.coordinator,
      SyncGroup,
      {
        groupId: session.groupId,
        generationId: session.generationId,
        memberId: session.memberId,
        groupInstanceId: session.groupInstanceId ?? null,
        protocolType: PROTOCOL_TYPE,
        protocolName: protocolName ?? session.options.assignor.name,
        assignments: [...results].map(([memberId, result]) => ({ memberId, assignment: encodeAssignment(result) }))
      },
      { lane: session.joinLane, timeoutMs: session.rebalanceTimeoutMs + JOIN_GRACE_MS }
    )
    const reaction = session.reactionTo('SyncGroup', answer.errorCode)
    if (reaction !== 'accept') return setback(session, 'SyncGroup', reaction, answer.errorCode)
    return { reaction, assignment: decodeAssignment(answer.assignment) }
  } catch (error) {
    return requestFailed(session, 'SyncGroup', error)
  }
}

function setback(
  session: GroupSession,
  api: string,
  reaction: Exclude<Reaction, 'accept'>,
  errorCode: number
): Setback {
  const error = groupError(api, errorCode, session.describe())
  return { reaction, reason: `${api} was answered with ${kafkaError(errorCode).name}`, error }
}

/** Unanswered: it may have been carried out. Joining again is right in both cases. */
function requestFailed(session: GroupSession, api: string, error: unknown): Setback {
  session.unanswered(api)
  const reason = `${api} failed: ${error instanceof Error ? error.message : String(error)}`
  if (isStreamsError(error) && error.action === 'retry') return { reaction: 'find-coordinator', reason, error }
  return { reaction: 'fail', reason, error }
}
