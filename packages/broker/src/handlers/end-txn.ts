import { EndTxn } from '@millrace/protocol'
import { fencedError } from './fenced-error.ts'
import type { Handler } from './handler.ts'

/** From here on each end raises the epoch, and the answer holds it. */
const TRANSACTIONS_V2_FROM = 5

/** Commits or aborts a transaction. Answered when its markers are written. */
export const endTxn: Handler<typeof EndTxn> = {
  api: EndTxn,
  versions: [0, 5],
  handle({ transactionalId, committed, ...producer }, { version, broker }) {
    const usesV2 = version >= TRANSACTIONS_V2_FROM
    const answer = broker.transactions.endTransaction(transactionalId, producer, committed, usesV2)
    return { throttleTimeMs: 0, ...answer, errorCode: fencedError(answer.errorCode, version, 2) }
  }
}
