import { defineApi } from '../schema/api.ts'
import { array, bigint64, bool, int16, int32, string } from '../schema/field.ts'

/** Writes the markers that end transactions in partitions: between brokers, and for tools that end what no coordinator knows of. */
export const WriteTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    markers: array({
      producerId: bigint64(),
      producerEpoch: int16(),
      /** True: commit; false: abort. */
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32())
      }),
      coordinatorEpoch: int32()
    })
  },
  response: {
    markers: array({
      producerId: bigint64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16()
        })
      })
    })
  }
})
