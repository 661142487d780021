import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import { type ClassicGroup, joinError } from './classic-group.ts'
import { ClassicMember } from './classic-member.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupClient, JoinAnswer, JoinRequest } from './group-messages.ts'
import type { Rebalance } from './rebalance.ts'

/** From here on a new member is sent away once, with an id to come back with (KIP-394). */
const REQUIRES_MEMBER_ID_FROM = 4
/** From here on a static leader who comes back is told the members, and may leave the assignment as it is (KIP-814). */
const MAY_SKIP_ASSIGNMENT_FROM = 9

export interface JoinParts {
  readonly config: GroupConfig
  readonly rebalance: Rebalance
  /** An id unlike any other, that begins with `prefix-`. */
  readonly newMemberId: (prefix: string) => string
  readonly save: (group: ClassicGroup) => void
}

/** Handles a JoinGroup. It may be answered at once or when the join phase ends. */
export function joinGroup(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  client: GroupClient,
  respond: (answer: JoinAnswer) => void
): void {
  const { memberId } = request
  if (!hasRoom(group, memberId, parts.config.groupMaxSize)) {
    group.member(memberId)?.cancelExpiry()
    group.remove(memberId)
    respond(joinError('', ErrorCode.GROUP_MAX_SIZE_REACHED))
  } else if (group.isIn('Dead')) {
    respond(joinError(memberId, ErrorCode.COORDINATOR_NOT_AVAILABLE))
  } else if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    respond(joinError(memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL))
  } else if (memberId === '') {
    joinNew(parts, group, request, client, respond)
  } else if (group.isPending(memberId)) {
    addMember(parts, group, request, client, memberId, respond)
  } else {
    joinAgain(parts, group, request, respond)
  }
}

/** Counted are those who joined while a round is prepared: the others may not come back. */
function hasRoom(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  const member = group.member(memberId)
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true
    case 'PreparingRebalance':
      return (member?.answerJoin ?? null) !== null || group.awaitingJoinCount < maxSize
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.size < maxSize
  }
}

function joinNew(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  client: GroupClient,
  respond: (answer: JoinAnswer) => void
): void {
  const { groupInstanceId } = request
  const newMemberId = parts.newMemberId(groupInstanceId ?? client.clientId)
  if (groupInstanceId === null) {
    if (client.version < REQUIRES_MEMBER_ID_FROM) return addMember(parts, group, request, client, newMemberId, respond)
    parts.rebalance.reserve(group, newMemberId, request.sessionTimeoutMs)
    return respond(joinError(newMemberId, ErrorCode.MEMBER_ID_REQUIRED))
  }
  const formerId = group.staticMemberId(groupInstanceId)
  if (formerId === undefined) return addMember(parts, group, request, client, newMemberId, respond)
  replaceStaticMember(parts, group, request, client, group.member(formerId) as ClassicMember, newMemberId, respond)
}

function addMember(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  client: GroupClient,
  memberId: string,
  respond: (answer: JoinAnswer) => void
): void {
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols
  })
  member.isNew = true
  if (group.isIn('PreparingRebalance') && group.previousState === 'Empty') group.newMemberAdded = true
  group.add(member, respond)
  parts.rebalance.keepAlive(group, member, parts.config.groupNewMemberJoinTimeoutMs)
  parts.rebalance.prepareOrComplete(group, `${memberId} joins${because(request)}`)
}

function joinAgain(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  respond: (answer: JoinAnswer) => void
): void {
  const { memberId } = request
  const error = group.validateMember(memberId, request.groupInstanceId)
  if (error !== ErrorCode.NONE) return respond(joinError(memberId, error))
  const member = group.member(memberId) as ClassicMember
  const unchanged = member.matches(request.protocols)
  switch (group.state) {
    case 'PreparingRebalance':
      return update(parts, group, request, member, respond)
    case 'CompletingRebalance':
      // The answer to its join may have been lost: nothing new to tell the others for that.
      return unchanged ? respond(group.joinAnswer(memberId)) : update(parts, group, request, member, respond)
    case 'Stable':
      // A leader who joins again wants a new assignment, for reasons that it alone knows.
      if (group.isLeader(memberId) || !unchanged) return update(parts, group, request, member, respond)
      return respond(group.joinAnswer(memberId))
    default:
      return respond(joinError(memberId, ErrorCode.UNKNOWN_MEMBER_ID))
  }
}

function update(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  member: ClassicMember,
  respond: (answer: JoinAnswer) => void
): void {
  group.updateMember(member, request.protocols, request.rebalanceTimeoutMs, request.sessionTimeoutMs, respond)
  parts.rebalance.prepareOrComplete(group, `${member.memberId} joins again${because(request)}`)
}

/** The next process of a static member: it takes over its predecessor's place, if possible without a round. */
function replaceStaticMember(
  parts: JoinParts,
  group: ClassicGroup,
  request: JoinRequest,
  client: GroupClient,
  former: ClassicMember,
  newMemberId: string,
  respond: (answer: JoinAnswer) => void
): void {
  const formerLeader = group.leaderId
  const member = group.replaceStatic(former, newMemberId)
  parts.rebalance.keepAlive(group, member)
  group.updateMember(member, request.protocols, request.rebalanceTimeoutMs, request.sessionTimeoutMs, respond)
  if (group.isIn('CompletingRebalance')) {
    // The leader may be working on an assignment for the former id.
    parts.rebalance.prepare(group, `${newMemberId} replaces ${former.memberId}`)
  } else if (!group.isIn('Stable')) {
    parts.rebalance.completeIfJoined(group)
  } else if (group.selectProtocol() !== group.protocolName) {
    parts.rebalance.prepare(group, `${newMemberId} changes the protocol${because(request)}`)
  } else {
    try {
      parts.save(group)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return putBack(parts, group, member, former)
    }
    const isLeader = group.isLeader(newMemberId)
    const answer =
      client.version >= MAY_SKIP_ASSIGNMENT_FROM
        ? { ...group.joinAnswer(newMemberId), skipAssignment: isLeader }
        : // An older client who reads that it leads would make a new assignment, which nobody fetches.
          { ...group.joinAnswer(newMemberId, []), leader: formerLeader ?? '' }
    group.answerJoin(member, answer)
  }
}

/** A static member's successor that cannot be written down has not come, and is told to come again. */
function putBack(parts: JoinParts, group: ClassicGroup, member: ClassicMember, former: ClassicMember): void {
  group.answerJoin(member, joinError(member.memberId, ErrorCode.COORDINATOR_NOT_AVAILABLE))
  const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = former
  group.updateMember(member, protocols, rebalanceTimeoutMs, sessionTimeoutMs, null)
  parts.rebalance.keepAlive(group, group.replaceStatic(member, former.memberId))
}

function because({ reason }: JoinRequest): string {
  return reason === null || reason === '' ? '' : `: ${reason}`
}
