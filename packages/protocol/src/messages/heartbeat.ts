import { defineApi } from '../schema/api.ts'
import { int16, int32, string } from '../schema/field.ts'

/** Keeps a classic member alive and learns of a round of rebalancing. 3: static members. 4: flexible. */
export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ from: 3, nullable: true, default: null })
  },
  response: {
    throttleTimeMs: int32({ from: 1 }),
    errorCode: int16()
  }
})
