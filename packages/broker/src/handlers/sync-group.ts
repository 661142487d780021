import { SyncGroup } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import { syncError } from '../groups/classic-group.ts'
import type { Handler } from './handler.ts'
import { untilGone } from './until-gone.ts'

/** From here on a member has to say which protocol it takes the group to have. */
const NAMES_PROTOCOL_FROM = 5

/** Takes the leader's assignment and gives each member its own. Answered when the leader's is there. */
export const syncGroup: Handler<typeof SyncGroup> = {
  api: SyncGroup,
  versions: [0, 5],
  handle(request, { version, broker, connection }) {
    const namesProtocol = request.protocolType !== null && request.protocolName !== null
    if (version >= NAMES_PROTOCOL_FROM && !namesProtocol) return syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return untilGone(broker.groups.sync(request), connection)
  }
}
