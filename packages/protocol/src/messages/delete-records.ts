import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, string } from '../schema/field.ts'

/** Deletes the records below an offset; -1 is the high watermark. 2: flexible. */
export const DeleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64()
      })
    }),
    timeoutMs: int32()
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The first offset that is left. */
        lowWatermark: int64(),
        errorCode: int16()
      })
    })
  }
})
