import { defineApi } from '../schema/api.ts'
import { array, bigint64, bool, int16, int32, string } from '../schema/field.ts'

/**
 * Adds partitions to a transaction; clients of transactions v1 only.
 *
 * 3: flexible. 4 and above are between brokers: several transactions at once, in `transactions` and
 * `resultsByTransaction`, or a mere look whether the partitions are in. 5: transactions v2.
 */
export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactions: array(
      {
        transactionalId: string(),
        producerId: bigint64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array({
          name: string(),
          partitions: array(int32())
        })
      },
      { from: 4 }
    ),
    v3AndBelowTransactionalId: string({ to: 3 }),
    v3AndBelowProducerId: bigint64({ to: 3 }),
    v3AndBelowProducerEpoch: int16({ to: 3 }),
    v3AndBelowTopics: array(
      {
        name: string(),
        partitions: array(int32())
      },
      { to: 3 }
    )
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ from: 4, default: 0 }),
    resultsByTransaction: array(
      {
        transactionalId: string(),
        topicResults: array({
          name: string(),
          resultsByPartition: array({
            partitionIndex: int32(),
            partitionErrorCode: int16()
          })
        })
      },
      { from: 4 }
    ),
    resultsByTopicV3AndBelow: array(
      {
        name: string(),
        resultsByPartition: array({
          partitionIndex: int32(),
          partitionErrorCode: int16()
        })
      },
      { to: 3 }
    )
  }
})
