import { JoinGroup } from '@millrace/protocol'
import { groupClientOf } from './group-client.ts'
import type { Handler } from './handler.ts'

/** Lets a member into a classic group. Answered when the join phase ends. */
export const joinGroup: Handler<typeof JoinGroup> = {
  api: JoinGroup,
  versions: [0, 9],
  async handle(request, context) {
    const answer = await context.broker.groups.join(request, groupClientOf(context))
    return { ...answer, protocolName: context.version < 7 ? (answer.protocolName ?? '') : answer.protocolName }
  }
}
