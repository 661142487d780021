import { OffsetFetch } from '@millrace/protocol'
import type { OffsetFetchGroup } from '../groups/group-messages.ts'
import type { Handler } from './handler.ts'

/** Up to here one group is asked for. */
const ONE_GROUP_UP_TO = 7

/** Reads groups' offsets. Not supported: topics by id (10). */
export const offsetFetch: Handler<typeof OffsetFetch> = {
  api: OffsetFetch,
  versions: [1, 9],
  handle({ groupId, topics, groups, requireStable }, { version, broker }) {
    const fetch = (group: OffsetFetchGroup) => broker.groups.offsets.fetch(group, requireStable)
    if (version > ONE_GROUP_UP_TO) return { groups: groups.map(fetch) }
    const { topics: answered, errorCode } = fetch({ groupId, memberId: null, memberEpoch: -1, topics })
    return { topics: answered, errorCode }
  }
}
