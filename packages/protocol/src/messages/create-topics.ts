import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string, uuid } from '../schema/field.ts'

/**
 * Creates topics.
 *
 * 4: partition count and replication factor may be -1, the broker's defaults. 5: flexible; the answer describes what
 * was created. 6: quota errors. 7: topic ids.
 */
export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      /** Empty unless replicas are placed by hand; then partition count and replication factor are -1. */
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32())
      }),
      configs: array({
        name: string(),
        value: string({ nullable: true })
      })
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      topicId: uuid({ from: 7 }),
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      topicConfigErrorCode: int16({ from: 5, tag: 0 }),
      numPartitions: int32({ from: 5, default: -1 }),
      replicationFactor: int16({ from: 5, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: true }),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool()
        },
        { from: 5, nullable: true }
      )
    })
  }
})
