import { Heartbeat } from '@millrace/protocol'
import type { Handler } from './handler.ts'

/** Keeps a member of a classic group in it, and tells it of rounds. */
export const heartbeat: Handler<typeof Heartbeat> = {
  api: Heartbeat,
  versions: [0, 4],
  handle: (request, { broker }) => ({ errorCode: broker.groups.heartbeat(request) })
}
