import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/field.ts'

/** Deletes groups that have no members. 2: flexible. */
export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    groupsNames: array(string())
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16()
    })
  }
})
