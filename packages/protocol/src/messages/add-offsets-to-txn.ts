import { defineApi } from '../schema/api.ts'
import { bigint64, int16, int32, string } from '../schema/field.ts'

/**
 * Adds a group's offsets to a transaction (transactions v1 only). 2: may answer PRODUCER_FENCED. 3: flexible. 4:
 * TRANSACTION_ABORTABLE.
 */
export const AddOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: bigint64(),
    producerEpoch: int16(),
    groupId: string()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16()
  }
})
