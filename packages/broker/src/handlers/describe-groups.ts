import { DescribeGroups } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Read, delete, describe, and read and change settings: with nobody to forbid it, everybody may. One bit each. */
const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
const NOT_ASKED = -2_147_483_648

/** Describes classic groups with their members. */
export const describeGroups: Handler<typeof DescribeGroups> = {
  api: DescribeGroups,
  versions: [0, 6],
  handle({ groups, includeAuthorizedOperations }, { version, broker }) {
    return {
      groups: groups.map(groupId => {
        const described = broker.groups.describe(groupId, version)
        const tells = includeAuthorizedOperations && described.errorCode === ErrorCode.NONE
        return { ...described, authorizedOperations: tells ? ALL_GROUP_OPERATIONS : NOT_ASKED }
      })
    }
  }
}
