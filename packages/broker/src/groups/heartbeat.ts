import { ErrorCode } from '../error-code.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { HeartbeatRequest } from './group-messages.ts'
import type { Rebalance } from './rebalance.ts'

/** Handles a Heartbeat: REBALANCE_IN_PROGRESS asks the member to join again. */
export function heartbeat(rebalance: Rebalance, group: ClassicGroup, request: HeartbeatRequest): number {
  if (group.isIn('Dead')) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  const error = group.validateMember(request.memberId, request.groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  rebalance.keepAlive(group, group.member(request.memberId) as ClassicMember)
  return group.isIn('PreparingRebalance') ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}
