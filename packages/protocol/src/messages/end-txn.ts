import { defineApi } from '../schema/api.ts'
import { bigint64, bool, int16, int32, string } from '../schema/field.ts'

/**
 * Commits or aborts a transaction.
 *
 * 3: flexible. 4: may answer TRANSACTION_ABORTABLE. 5: transactions v2 (KIP-890), each end raises the epoch and the
 * answer holds the next one; with transactions v1 stay at 4 or below.
 */
export const EndTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: bigint64(),
    producerEpoch: int16(),
    /** False aborts. */
    committed: bool()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: bigint64({ from: 5, default: -1n }),
    producerEpoch: int16({ from: 5, default: -1 })
  }
})
