import * as protocol from '@millrace/protocol'
import { expect, it } from 'vitest'
import { HANDLERS } from '../handlers/index.ts'
import { canFail, errorAnswer } from './error-answers.ts'

const CODE = 41
const topics = [{ name: 't', partitions: [{ partitionIndex: 1 }] }]
const numbered = [{ name: 't', partitions: [1] }]
const resources = [{ resourceType: 2, resourceName: 't', configs: [] }]
const identity = { producerId: 1n, producerEpoch: 0 }

/** One request of each kind, with everything that an answer has to be about. */
const REQUESTS: Readonly<Record<string, unknown>> = {
  Produce: { topicData: [{ name: 't', partitionData: [{ index: 1 }] }] },
  Fetch: { topics: [{ topic: 't', topicId: protocol.ZERO_UUID, partitions: [{ partition: 1 }] }] },
  ListOffsets: { topics },
  Metadata: { topics: [{ name: 't', topicId: protocol.ZERO_UUID }] },
  OffsetCommit: { topics },
  OffsetFetch: { topics: [{ name: 't', partitionIndexes: [1] }], groups: [{ groupId: 'g' }] },
  FindCoordinator: { key: 'k', coordinatorKeys: ['k'] },
  JoinGroup: { memberId: 'm' },
  Heartbeat: {},
  LeaveGroup: {},
  SyncGroup: {},
  DescribeGroups: { groups: ['g'] },
  ListGroups: {},
  CreateTopics: { topics: [{ name: 't' }] },
  DeleteTopics: { topics: [{ name: 't', topicId: protocol.ZERO_UUID }], topicNames: ['t'] },
  DeleteRecords: { topics },
  InitProducerId: {},
  OffsetForLeaderEpoch: { topics: [{ topic: 't', partitions: [{ partition: 1 }] }] },
  AddPartitionsToTxn: {
    v3AndBelowTopics: numbered,
    transactions: [{ ...identity, transactionalId: 'id', topics: numbered }]
  },
  AddOffsetsToTxn: {},
  EndTxn: {},
  WriteTxnMarkers: { markers: [{ producerId: 1n, topics: [{ name: 't', partitionIndexes: [1] }] }] },
  TxnOffsetCommit: { topics },
  DescribeConfigs: { resources },
  AlterConfigs: { resources },
  CreatePartitions: { topics: [{ name: 't' }] },
  DeleteGroups: { groupsNames: ['g'] },
  IncrementalAlterConfigs: { resources },
  OffsetDelete: { topics },
  DescribeCluster: {},
  DescribeProducers: { topics: [{ name: 't', partitionIndexes: [1] }] },
  DescribeTransactions: { transactionalIds: ['id'] },
  ListTransactions: {}
}

const fallible = HANDLERS.filter(({ api }) => api.name !== 'ApiVersions')

it.each(fallible.map(({ api, versions }) => ({ name: api.name, api, versions })))(
  'fails $name in every version that is served, for all that it asks about',
  ({ name, api, versions: [from, to] }) => {
    expect(canFail(name)).toBe(true)
    for (let version = from; version <= to; version++) {
      const answer = errorAnswer(api, REQUESTS[name], CODE, version)
      const decoded = protocol.decodeResponse(api, version, protocol.encodeResponse(api, version, answer as never))
      const codes = codesIn(decoded)
      expect(codes.length, `v${version}`).toBeGreaterThan(0)
      expect(new Set(codes), `v${version}`).toEqual(new Set([CODE]))
    }
  }
)

/** Every error code in an answer but for NONE, which a part beside what was asked for may say. */
function codesIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(codesIn)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  return Object.entries(value).flatMap(([field, inner]) =>
    /errorCode$/i.test(field) ? (inner === 0 ? [] : [inner as number]) : codesIn(inner)
  )
}
