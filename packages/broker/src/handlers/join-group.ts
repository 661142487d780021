import { JoinGroup } from '@millrace/protocol'
import { groupClientOf } from './group-client.ts'
import { type Handler, NO_ANSWER } from './handler.ts'
import { untilGone } from './until-gone.ts'

/** Lets a member into a classic group. Answered when the join phase ends. */
export const joinGroup: Handler<typeof JoinGroup> = {
  api: JoinGroup,
  versions: [0, 9],
  async handle(request, context) {
    const joined = context.broker.groups.join(request, groupClientOf(context))
    const answer = await untilGone(joined, context.connection)
    if (answer === NO_ANSWER) return answer
    return { ...answer, protocolName: context.version < 7 ? (answer.protocolName ?? '') : answer.protocolName }
  }
}
