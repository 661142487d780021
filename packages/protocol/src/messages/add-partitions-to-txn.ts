import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, string } from '../schema/field.ts'

/**
 * Adds partitions to a transaction (transactions v1 only). 3: flexible. 4 and above are between brokers and not spoken.
 */
export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: {
    v3AndBelowTransactionalId: string(),
    v3AndBelowProducerId: bigint64(),
    v3AndBelowProducerEpoch: int16(),
    v3AndBelowTopics: array({
      name: string(),
      partitions: array(int32())
    })
  },
  response: {
    throttleTimeMs: int32(),
    resultsByTopicV3AndBelow: array({
      name: string(),
      resultsByPartition: array({
        partitionIndex: int32(),
        partitionErrorCode: int16()
      })
    })
  }
})
