import { defineApi } from '../schema/api.ts'
import { bigint64, int16, int32, string } from '../schema/field.ts'

/**
 * Gets a producer id and epoch; with a transactional id, ends the transaction of the last one who had it and fences
 * them.
 *
 * 2: flexible. 3: a producer may go on with the id it has, one epoch up. 4: may answer PRODUCER_FENCED. 5: may answer
 * TRANSACTION_ABORTABLE. 6, two-phase commit, is not spoken.
 */
export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  request: {
    transactionalId: string({ nullable: true }),
    transactionTimeoutMs: int32(),
    producerId: bigint64({ from: 3, default: -1n }),
    producerEpoch: int16({ from: 3, default: -1 })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: bigint64({ default: -1n }),
    producerEpoch: int16()
  }
})
