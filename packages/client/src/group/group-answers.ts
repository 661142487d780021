import { type KafkaError, kafkaError } from '@millrace/protocol'
import { type ErrorCode, StreamsError } from '@millrace/streams/core'

/**
 * What a member does about an error code.
 *
 * - `accept`: none.
 * - `name-yourself`: join again at once with the id that came along (KIP-394).
 * - `rejoin`: the group is changing; join again at once.
 * - `retry`: passing; join again after a back-off.
 * - `find-coordinator`: the same, after the coordinator was looked up anew.
 * - `lose-generation`: the group went on without this member; it is still known by its id.
 * - `lose-membership`: the group does not know this member any more.
 * - `fail`: nothing that waiting helps.
 */
export type Reaction =
  | 'accept'
  | 'name-yourself'
  | 'rejoin'
  | 'retry'
  | 'find-coordinator'
  | 'lose-generation'
  | 'lose-membership'
  | 'fail'

const REACTIONS: Readonly<Record<string, Reaction>> = {
  NONE: 'accept',
  MEMBER_ID_REQUIRED: 'name-yourself',
  REBALANCE_IN_PROGRESS: 'rejoin',
  COORDINATOR_LOAD_IN_PROGRESS: 'retry',
  COORDINATOR_NOT_AVAILABLE: 'find-coordinator',
  NOT_COORDINATOR: 'find-coordinator',
  // From one that was replaced while it was frozen, for one. `GroupSession` sees to it that this is not for ever.
  UNKNOWN_SERVER_ERROR: 'find-coordinator',
  ILLEGAL_GENERATION: 'lose-generation',
  UNKNOWN_MEMBER_ID: 'lose-membership'
}

/** An error that Kafka calls retriable is retried although it is not in the table; any other is the end. */
export function reactionTo(errorCode: number): Reaction {
  const error = kafkaError(errorCode)
  return REACTIONS[error.name] ?? (error.retriable ? 'retry' : 'fail')
}

export interface FailedMember {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | undefined
  readonly protocol: string
  readonly sessionTimeoutMs: number
}

/** The error with which a member gives up: what the coordinator said, and what to do about it. */
export function groupError(api: string, errorCode: number, member: FailedMember): StreamsError {
  const error = kafkaError(errorCode)
  const { code, text } = explain(error, member)
  return new StreamsError(code, text, {
    details: { ...member, api, kafkaError: error.name, kafkaErrorCode: errorCode }
  })
}

function explain(error: KafkaError, member: FailedMember): { readonly code: ErrorCode; readonly text: string } {
  const group = `group '${member.groupId}'`
  switch (error.name) {
    case 'FENCED_INSTANCE_ID':
      return {
        code: 'GROUP_INSTANCE_FENCED',
        text: `Another process joined ${group} with groupInstanceId '${member.groupInstanceId}' and took this member's place. Give every process an id of its own, and stop the old one before you start its successor.`
      }
    case 'GROUP_AUTHORIZATION_FAILED':
      return {
        code: 'CLIENT_AUTHORIZATION_FAILED',
        text: `The broker refuses access to ${group}. Grant the operation Read on this group to the user the client authenticates as.`
      }
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return {
        code: 'GROUP_PROTOCOL_INCONSISTENT',
        text: `The members of ${group} do not support the assignor '${member.protocol}': another kind of consumer, or an incompatible version, uses this group id. Choose another application id, or stop the other members first.`
      }
    case 'GROUP_MAX_SIZE_REACHED':
      return {
        code: 'GROUP_FULL',
        text: `${capitalised(group)} has as many members as the broker allows. Run fewer workers, or raise the broker's group.max.size.`
      }
    case 'INVALID_SESSION_TIMEOUT':
      return {
        code: 'CONFIG_INVALID',
        text: `The broker refuses sessionTimeoutMs ${member.sessionTimeoutMs} for ${group}. Choose one between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms.`
      }
    case 'INVALID_GROUP_ID':
      return {
        code: 'CONFIG_INVALID',
        text: `The broker refuses '${member.groupId}' as a group id. Choose another one that is not empty.`
      }
    default:
      return {
        code: 'GROUP_JOIN_FAILED',
        text: `The coordinator of ${group} answered ${error.name}: ${error.message}. Look at the broker's log for this member, '${member.memberId}'.`
      }
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
