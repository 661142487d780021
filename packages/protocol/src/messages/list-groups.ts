import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/field.ts'

/** Lists the groups of one broker. 3: flexible. 4: filter by state. 5: filter by type. */
export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    statesFilter: array(string(), { from: 4 }),
    typesFilter: array(string(), { from: 5 })
  },
  response: {
    throttleTimeMs: int32({ from: 1 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ from: 4 }),
      groupType: string({ from: 5 })
    })
  }
})
