import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, int8, string } from '../schema/field.ts'

/**
 * Finds offsets by timestamp: -1 the end (under read_committed the last stable offset), -2 the start, -3 the record
 * with the highest timestamp (7).
 *
 * 2: isolation level. 4: leader epochs. 6: flexible. 8: -4, the start of the local log. 9: -5, the end of the tiered
 * log. 10: a time-out for answers that need the tiered log. 11: -6.
 */
export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 11,
  flexibleFrom: 6,
  request: {
    replicaId: int32(),
    /** 0: read_uncommitted; 1: read_committed. */
    isolationLevel: int8({ from: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ from: 4, default: -1 }),
        timestamp: int64()
      })
    }),
    timeoutMs: int32({ from: 10 })
  },
  response: {
    throttleTimeMs: int32({ from: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ from: 4, default: -1 })
      })
    })
  }
})
