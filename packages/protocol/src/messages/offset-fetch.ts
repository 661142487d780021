import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int64, string } from '../schema/field.ts'

/**
 * Reads a group's stored offsets. `topics: null` means all (2).
 *
 * 1 to 7 ask for one group, through `groupId` and `topics`, answered in `topics`; 8 and above ask for several, through
 * `groups`, answered in `groups`. 5: leader epochs. 6: flexible. 7: `requireStable` makes the broker answer
 * UNSTABLE_OFFSET_COMMIT while a transaction holds offsets. 9: member fields. 10, which names topics by id, is not
 * spoken.
 */
export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 9,
  flexibleFrom: 6,
  request: {
    groupId: string({ to: 7 }),
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32())
      },
      { to: 7, nullableFrom: 2 }
    ),
    groups: array(
      {
        groupId: string(),
        memberId: string({ from: 9, nullable: true, default: null }),
        memberEpoch: int32({ from: 9, default: -1 }),
        topics: array(
          {
            name: string(),
            partitionIndexes: array(int32())
          },
          { nullable: true }
        )
      },
      { from: 8 }
    ),
    requireStable: bool({ from: 7, default: false })
  },
  response: {
    throttleTimeMs: int32({ from: 3 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ from: 5, default: -1 }),
          metadata: string({ nullable: true }),
          errorCode: int16()
        })
      },
      { to: 7 }
    ),
    errorCode: int16({ from: 2, to: 7, default: 0 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string(),
          partitions: array({
            partitionIndex: int32(),
            /** -1: none stored. */
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: string({ nullable: true }),
            errorCode: int16()
          })
        }),
        errorCode: int16({ default: 0 })
      },
      { from: 8 }
    )
  }
})
