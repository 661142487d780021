import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, int64, string } from '../schema/field.ts'

/**
 * Stores a group's offsets as part of a transaction.
 *
 * 2: leader epochs. 3: flexible; group generation and member are checked. 4: may answer TRANSACTION_ABORTABLE. 5: the
 * group joins the transaction by this request itself (transactions v2, KIP-890); with transactions v1 stay at 4 or
 * below.
 */
export const TxnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: bigint64(),
    producerEpoch: int16(),
    generationId: int32({ from: 3, default: -1 }),
    memberId: string({ from: 3, default: '' }),
    groupInstanceId: string({ from: 3, nullable: true, default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 2, default: -1 }),
        committedMetadata: string({ nullable: true })
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16()
      })
    })
  }
})
