import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string } from '../schema/field.ts'

/** Gives topics more partitions. 2: flexible. 3: quota errors. */
export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    topics: array({
      name: string(),
      /** How many there shall be, those that exist included. */
      count: int32(),
      /** Replicas of the new ones; null leaves them to the broker. */
      assignments: array({ brokerIds: array(int32()) }, { nullable: true })
    }),
    timeoutMs: int32(),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null })
    })
  }
})
