import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, string } from '../schema/field.ts'

/**
 * Finds where a leader epoch ends, by which a reader learns whether a log was cut off behind it (KIP-320).
 *
 * 2: the reader's own epoch is checked. 3: replica id; -1 is a consumer. 4: flexible.
 */
export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  minVersion: 2,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    replicaId: int32({ from: 3, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        leaderEpoch: int32()
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 })
      })
    })
  }
})
