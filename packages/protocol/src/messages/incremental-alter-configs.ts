import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/field.ts'

/** Changes single settings of topics (resource type 2) or brokers (4). 1: flexible. */
export const IncrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** 0: set; 1: delete; 2: append to a list; 3: take from a list. */
        configOperation: int8(),
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
