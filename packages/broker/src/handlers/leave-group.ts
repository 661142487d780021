import { LeaveGroup } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Up to here one member leaves, and its error is the response's. */
const ONE_MEMBER_UP_TO = 2

/** Takes members out of a classic group. */
export const leaveGroup: Handler<typeof LeaveGroup> = {
  api: LeaveGroup,
  versions: [0, 5],
  handle({ groupId, memberId, members }, { version, broker }) {
    const isOne = version <= ONE_MEMBER_UP_TO
    const leavers = isOne ? [{ memberId, groupInstanceId: null }] : members
    const answer = broker.groups.leave(groupId, leavers)
    if (!isOne || answer.errorCode !== ErrorCode.NONE) return answer
    return { errorCode: answer.members?.[0]?.errorCode ?? ErrorCode.NONE }
  }
}
