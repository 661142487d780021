import type { GroupClient } from '../groups/group-messages.ts'
import type { RequestContext } from './handler.ts'

/** Who sent the request, as far as groups care. */
export function groupClientOf({ clientId, connection, version }: RequestContext): GroupClient {
  return { clientId: clientId ?? '', clientHost: connection.clientHost, version }
}
