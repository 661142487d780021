import { FindCoordinator } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

const GROUP = 0
const TRANSACTION = 1
/** Up to here one key is asked for, and answered in the response itself. */
const ONE_KEY_UP_TO = 3

/** Names this broker, which coordinates everything. Not supported: share groups (key type 2). */
export const findCoordinator: Handler<typeof FindCoordinator> = {
  api: FindCoordinator,
  versions: [0, 6],
  handle({ keyType, coordinatorKeys }, { version, broker }) {
    const isServed = keyType === GROUP || keyType === TRANSACTION
    const node = isServed
      ? { errorCode: ErrorCode.NONE, nodeId: broker.nodeId, ...broker.advertised }
      : { errorCode: ErrorCode.INVALID_REQUEST, nodeId: -1, host: '', port: -1 }
    if (version <= ONE_KEY_UP_TO) return { ...node, errorMessage: isServed ? 'NONE' : 'INVALID_REQUEST' }
    return { coordinators: coordinatorKeys.map(key => ({ key, ...node, errorMessage: '' })) }
  }
}
