import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int8, string } from '../schema/field.ts'

/**
 * Finds the broker that coordinates a group (key type 0) or a transactional id (1).
 *
 * 1: key types. 3: flexible. Up to 3 there is one `key`; 4 and above send `coordinatorKeys` and answer in
 * `coordinators`. 5: may answer TRANSACTION_ABORTABLE. 6: share groups (key type 2).
 */
export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 3,
  request: {
    key: string({ to: 3 }),
    keyType: int8({ from: 1, default: 0 }),
    coordinatorKeys: array(string(), { from: 4 })
  },
  response: {
    throttleTimeMs: int32({ from: 1 }),
    errorCode: int16({ to: 3 }),
    errorMessage: string({ from: 1, to: 3, nullable: true }),
    nodeId: int32({ to: 3 }),
    host: string({ to: 3 }),
    port: int32({ to: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: true })
      },
      { from: 4 }
    )
  }
})
