import { ErrorCode } from '../error-code.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { LeaveAnswer, LeaveRequest } from './group-messages.ts'
import type { Rebalance } from './rebalance.ts'

export type Leaver = Pick<LeaveRequest['members'][number], 'memberId' | 'groupInstanceId'>

/** Handles a LeaveGroup of any number of members: each has its own error, and all together cause one round. */
export function leaveGroup(rebalance: Rebalance, group: ClassicGroup, leavers: readonly Leaver[]): LeaveAnswer {
  if (group.isIn('Dead')) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] }
  const members = leavers.map(leaver => ({ ...leaver, errorCode: leave(rebalance, group, leaver) }))
  if (members.some(member => member.errorCode === ErrorCode.NONE)) {
    if (group.isIn('Stable', 'CompletingRebalance')) rebalance.prepare(group, 'members leave')
    else rebalance.completeIfJoined(group)
  }
  return { errorCode: ErrorCode.NONE, members }
}

function leave(rebalance: Rebalance, group: ClassicGroup, { memberId, groupInstanceId }: Leaver): number {
  if (memberId === '') {
    // An administrator names a static member by its instance alone.
    const staticId = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)
    if (staticId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    rebalance.remove(group, group.member(staticId) as ClassicMember)
    return ErrorCode.NONE
  }
  if (group.isPending(memberId)) {
    group.removePending(memberId)
    return ErrorCode.NONE
  }
  const error = group.validateMember(memberId, groupInstanceId)
  if (error === ErrorCode.NONE) rebalance.remove(group, group.member(memberId) as ClassicMember)
  return error
}
