import { SyncGroup } from '@millrace/protocol'
import type { Handler } from './handler.ts'

/** Takes the leader's assignment and gives each member its own. Answered when the leader's is there. */
export const syncGroup: Handler<typeof SyncGroup> = {
  api: SyncGroup,
  versions: [0, 5],
  handle: (request, { broker }) => broker.groups.sync(request)
}
