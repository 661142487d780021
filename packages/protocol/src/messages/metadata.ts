import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string, uuid } from '../schema/field.ts'

/**
 * Describes the cluster's brokers and topics. In the request `topics: null` means all.
 *
 * 4: the broker creates missing topics only if allowed. 5: offline replicas. 7: leader epochs. 8: permitted operations.
 * 9: flexible. 10: topic ids. 12: topics may be asked for by id. 13: an error code for the whole answer.
 */
export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 13,
  flexibleFrom: 9,
  request: {
    topics: array(
      {
        topicId: uuid({ from: 10 }),
        name: string({ nullableFrom: 10 })
      },
      { nullableFrom: 1 }
    ),
    allowAutoTopicCreation: bool({ from: 4, default: true }),
    includeClusterAuthorizedOperations: bool({ from: 8, to: 10 }),
    includeTopicAuthorizedOperations: bool({ from: 8 })
  },
  response: {
    throttleTimeMs: int32({ from: 3 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ from: 1, nullable: true, default: null })
    }),
    clusterId: string({ from: 2, nullable: true, default: null }),
    controllerId: int32({ from: 1, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullableFrom: 12 }),
      topicId: uuid({ from: 10 }),
      isInternal: bool({ from: 1, default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ from: 7, default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { from: 5 })
      }),
      topicAuthorizedOperations: int32({ from: 8, default: -2147483648 })
    }),
    clusterAuthorizedOperations: int32({ from: 8, to: 10, default: -2147483648 }),
    errorCode: int16({ from: 13 })
  }
})
