import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, int64, string } from '../schema/field.ts'

/** Describes the idempotent producers that partitions remember, and their running transactions. */
export const DescribeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32())
    })
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: true, default: null }),
        activeProducers: array({
          producerId: bigint64(),
          producerEpoch: int32(),
          /** -1: nothing written in this epoch. */
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          /** Of the last marker; -1: no marker yet. */
          coordinatorEpoch: int32(),
          /** -1: none runs. */
          currentTxnStartOffset: int64({ default: -1 })
        })
      })
    })
  }
})
