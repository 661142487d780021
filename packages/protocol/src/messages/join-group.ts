import { defineApi } from '../schema/api.ts'
import { array, bool, bytes, int16, int32, string } from '../schema/field.ts'

/**
 * Enters a classic group or asks for a new round of its membership; answered when all members have joined.
 *
 * 1: rebalance time-out. 4: a new member gets its id with MEMBER_ID_REQUIRED first. 5: static members. 6: flexible. 7:
 * protocol type in the answer. 8: a reason for the broker's log. 9: a static leader may skip the assignment.
 */
export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ from: 1, default: -1 }),
    memberId: string(),
    groupInstanceId: string({ from: 5, nullable: true, default: null }),
    protocolType: string(),
    /** In the order of preference. */
    protocols: array({
      name: string(),
      metadata: bytes()
    }),
    reason: string({ from: 8, nullable: true, default: null })
  },
  response: {
    throttleTimeMs: int32({ from: 2 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ from: 7, nullable: true, default: null }),
    protocolName: string({ nullableFrom: 7 }),
    leader: string(),
    skipAssignment: bool({ from: 9, default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ from: 5, nullable: true, default: null }),
      metadata: bytes()
    })
  }
})
