import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/field.ts'

/** Reads configs of topics (resource type 2) or brokers (4). 3: types and documentation. 4: flexible. */
export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: true })
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ from: 3, default: false })
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
        synonyms: array({
          name: string(),
          value: string({ nullable: true }),
          source: int8()
        }),
        configType: int8({ from: 3, default: 0 }),
        documentation: string({ from: 3, nullable: true })
      })
    })
  }
})
