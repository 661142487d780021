import { ErrorCode } from '../error-code.ts'
import { type ClassicGroup, syncError } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { SyncAnswer, SyncRequest } from './group-messages.ts'
import type { Rebalance } from './rebalance.ts'

/** Handles a SyncGroup. Before the leader has sent its assignment, the others' answers wait. */
export function syncGroup(
  rebalance: Rebalance,
  group: ClassicGroup,
  request: SyncRequest,
  respond: (answer: SyncAnswer) => void
): void {
  const error = validate(group, request)
  if (error !== ErrorCode.NONE) return respond(syncError(error))
  const member = group.member(request.memberId) as ClassicMember
  if (group.isIn('PreparingRebalance')) return respond(syncError(ErrorCode.REBALANCE_IN_PROGRESS))
  group.removePendingSync(member.memberId)
  if (group.isIn('Stable')) {
    const { protocolType, protocolName } = group
    return respond({ errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: member.assignment })
  }
  member.answerSync = respond
  if (!group.isLeader(member.memberId)) return
  // The bytes are views into the request's frame, and outlive it.
  rebalance.assign(group, new Map(request.assignments.map(one => [one.memberId, Buffer.from(one.assignment)])))
}

function validate(group: ClassicGroup, request: SyncRequest): number {
  if (group.isIn('Dead')) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  const error = group.validateMember(request.memberId, request.groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return ErrorCode.NONE
}

function differs(asked: string | null, actual: string | null): boolean {
  return asked !== null && actual !== null && asked !== actual
}
