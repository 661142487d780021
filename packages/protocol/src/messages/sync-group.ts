import { defineApi } from '../schema/api.ts'
import { array, bytes, int16, int32, string } from '../schema/field.ts'

/**
 * The leader hands out the assignment of a round, every member gets its own. 3: static members. 4: flexible. 5:
 * protocol type and name are checked.
 */
export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ from: 3, nullable: true, default: null }),
    protocolType: string({ from: 5, nullable: true, default: null }),
    protocolName: string({ from: 5, nullable: true, default: null }),
    assignments: array({
      memberId: string(),
      assignment: bytes()
    })
  },
  response: {
    throttleTimeMs: int32({ from: 1 }),
    errorCode: int16(),
    protocolType: string({ from: 5, nullable: true, default: null }),
    protocolName: string({ from: 5, nullable: true, default: null }),
    assignment: bytes()
  }
})
