import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, string } from '../schema/field.ts'

/**
 * Stores a group's offsets.
 *
 * 3: throttle time. 5: retention can no longer be asked for. 6: leader epoch. 7: static members. 8: flexible. 9: errors
 * of the newer group protocol. 10, which names topics by id, is not spoken.
 */
export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 9,
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string({ from: 7, nullable: true, default: null }),
    retentionTimeMs: int64({ to: 4, default: -1 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 6, default: -1 }),
        committedMetadata: string({ nullable: true })
      })
    })
  },
  response: {
    throttleTimeMs: int32({ from: 3 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16()
      })
    })
  }
})
