import { DeleteGroups } from '@millrace/protocol'
import type { Handler } from './handler.ts'

/** Deletes groups without members, with their offsets. */
export const deleteGroups: Handler<typeof DeleteGroups> = {
  api: DeleteGroups,
  versions: [0, 2],
  handle: ({ groupsNames }, { broker }) => ({ throttleTimeMs: 0, results: broker.groups.delete(groupsNames) })
}
