import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string, uuid } from '../schema/field.ts'

/**
 * Deletes topics. 4: flexible. 5: error messages. Up to 5 by `topicNames`; from 6 by `topics`, each a name or an id.
 */
export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 4,
  request: {
    topics: array(
      {
        name: string({ nullable: true, default: null }),
        topicId: uuid()
      },
      { from: 6 }
    ),
    topicNames: array(string(), { to: 5 }),
    timeoutMs: int32()
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      name: string({ nullableFrom: 6 }),
      topicId: uuid({ from: 6 }),
      errorCode: int16(),
      errorMessage: string({ from: 5, nullable: true, default: null })
    })
  }
})
