import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, int64, string } from '../schema/field.ts'

/** Describes transactional ids: their producers, and the partitions of a transaction that runs. */
export const DescribeTransactions = defineApi({
  key: 65,
  name: 'DescribeTransactions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    transactionalIds: array(string())
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      /** -1: none runs. */
      transactionStartTimeMs: int64(),
      producerId: bigint64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32())
      })
    })
  }
})
