import { InitProducerId } from '@millrace/protocol'
import { fencedError } from './fenced-error.ts'
import type { Handler } from './handler.ts'

/** Gives out producer ids and epochs. Not supported: two-phase commit (6). */
export const initProducerId: Handler<typeof InitProducerId> = {
  api: InitProducerId,
  versions: [0, 5],
  handle({ transactionalId, transactionTimeoutMs, ...expected }, { version, broker }) {
    const answer = broker.transactions.initProducerId(transactionalId, transactionTimeoutMs, expected)
    return { throttleTimeMs: 0, ...answer, errorCode: fencedError(answer.errorCode, version, 4) }
  }
}
