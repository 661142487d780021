import { ListGroups } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Lists groups, all of which are classic. */
export const listGroups: Handler<typeof ListGroups> = {
  api: ListGroups,
  versions: [0, 5],
  handle: (request, { broker }) => ({ errorCode: ErrorCode.NONE, groups: broker.groups.list(request) })
}
