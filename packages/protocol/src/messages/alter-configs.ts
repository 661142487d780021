import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/field.ts'

/** Replaces all settings of topics (resource type 2) or brokers (4). 2: flexible. IncrementalAlterConfigs is newer. */
export const AlterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true })
      })
    }),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      resourceType: int8(),
      resourceName: string()
    })
  }
})
