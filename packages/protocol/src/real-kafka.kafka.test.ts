import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { kafkaJars } from '../../../scripts/kafka-jars.ts'
import { withoutJava } from '../../../scripts/start-broker.ts'
import {
  type Api,
  ApiVersions,
  type Compression,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  DescribeGroups,
  Fetch,
  FindCoordinator,
  InitProducerId,
  kafkaError,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetFetch,
  Produce,
  RecordBatchBuilder,
  RecordBatchCursor,
  type RecordHeader,
  type RequestOf,
  type ResponseOf
} from './index.ts'
import * as protocol from './index.ts'
import { askBroker } from './test-support/ask-broker.ts'

const topic = `protocol-${randomUUID()}`
const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const RECORDS_PER_BATCH = 500
const OUR_API_KEYS = Object.values(protocol).flatMap(value =>
  typeof value === 'object' && 'key' in value && 'maxVersion' in value ? [value.key] : []
)
const T0 = Date.UTC(2026, 0, 1)
let topicId = ''

beforeAll(async () => {
  const configs = [
    { name: 'retention.ms', value: '-1' },
    { name: 'segment.ms', value: String(2 ** 53 - 1) }
  ]
  const created = await askBroker(CreateTopics, 7, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: 30_000
  })
  if (created.topics[0]!.errorCode !== 0) throw new Error(kafkaError(created.topics[0]!.errorCode).name)
  topicId = created.topics[0]!.topicId
  await vi.waitUntil(leaderKnown, { timeout: 20_000 })
})

afterAll(async () => {
  await askBroker(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 30_000 })
})

async function leaderKnown(): Promise<boolean> {
  const { topics } = await askBroker(Metadata, 12, { topics: [{ name: topic }] })
  return (topics[0]?.partitions[0]?.leaderId ?? -1) >= 0
}

function recordOf(i: number) {
  const key = i % 10 === 0 ? null : `key-${i}`
  const value = i % 10 === 3 ? null : `value-${i}-${'x'.repeat(i % 300)}`
  const headers: RecordHeader[] = i % 10 === 5 ? [['trace', Buffer.from(`t${i}`)]] : []
  return { key, value, headers, timestampMs: T0 + ((i * 7919) % 100_000) }
}

function buildBatch(first: number, compression: Compression): Buffer {
  const builder = new RecordBatchBuilder()
  for (let i = first; i < first + RECORDS_PER_BATCH; i++) {
    const { key, value, headers, timestampMs } = recordOf(i)
    const keyBytes = key === null ? null : Buffer.from(key)
    const valueBytes = value === null ? null : Buffer.from(value)
    builder.append(keyBytes, 0, keyBytes?.length ?? -1, valueBytes, 0, valueBytes?.length ?? -1, timestampMs, headers)
  }
  return builder.build({ compression })
}

describe('batches that we build', () => {
  it('are taken by Kafka in every compression', async () => {
    for (const [n, compression] of COMPRESSIONS.entries()) {
      const records = buildBatch(n * RECORDS_PER_BATCH, compression)
      const produced = await askBroker(Produce, 9 + (n % 4), {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }]
      })
      const answer = produced.responses[0]!.partitionResponses[0]!
      expect(kafkaError(answer.errorCode).name).toBe('NONE')
      expect(answer.baseOffset).toBe(n * RECORDS_PER_BATCH)
    }
  })

  it.skipIf(withoutJava())('are read by Java’s consumer', async () => {
    const total = COMPRESSIONS.length * RECORDS_PER_BATCH
    const reader = join(import.meta.dirname, 'test-support', 'ReadTopic.java')
    const { stdout } = await promisify(execFile)(
      'java',
      ['-cp', `${await kafkaJars()}/*`, reader, process.env.KAFKA_BROKERS!, topic, String(total)],
      { maxBuffer: 1 << 26 }
    )
    const expected = Array.from({ length: total }, (_, i) => {
      const { key, value, headers, timestampMs } = recordOf(i)
      const header = headers.length === 0 ? '' : `trace:t${i},`
      return `${i}\t${timestampMs}\t${header}\t${key}\t${value}`
    })
    expect(stdout.trimEnd().split('\n')).toEqual(expected)
  })

  it('come back from Kafka as they went, from any offset', async () => {
    const position = 3 * RECORDS_PER_BATCH + 17
    const cursor = new RecordBatchCursor()
    const answer = await askBroker(Fetch, 17, {
      maxWaitMs: 1000,
      minBytes: 1,
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: position, partitionMaxBytes: 1 << 20 }] }]
    })
    cursor.reset(answer.responses[0]!.partitions[0]!.records, position)
    for (let i = position; i < COMPRESSIONS.length * RECORDS_PER_BATCH; i++) {
      expect(cursor.next()).toBe(true)
      const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor
      const key = keyEnd < 0 ? null : buffer.toString('utf8', keyStart, keyEnd)
      const value = valueEnd < 0 ? null : buffer.toString('utf8', valueStart, valueEnd)
      expect({ key, value, headers: cursor.headers(), timestampMs }).toEqual(recordOf(i))
      expect(cursor.offset).toBe(i)
    }
    expect(cursor.next()).toBe(false)
  })
})

describe('every version of a request that Kafka and we both speak', () => {
  async function askInEveryVersion<A extends Api>(
    api: A,
    request: (version: number) => RequestOf<A>,
    check: (response: ResponseOf<A>, version: number) => void
  ): Promise<void> {
    const spoken = await askBroker(ApiVersions, 3, { clientSoftwareName: 'millrace', clientSoftwareVersion: '0' })
    const broker = spoken.apiKeys.find(({ apiKey }) => apiKey === api.key)!
    const first = Math.max(api.minVersion, broker.minVersion)
    const last = Math.min(api.maxVersion, broker.maxVersion)
    expect(last).toBe(api.maxVersion)
    for (let version = first; version <= last; version++) {
      check(await askBroker(api, version, request(version)), version)
    }
  }

  it('is answered: ApiVersions', async () => {
    await askInEveryVersion(
      ApiVersions,
      () => ({ clientSoftwareName: 'millrace', clientSoftwareVersion: '0' }),
      answer => expect(answer.apiKeys.map(({ apiKey }) => apiKey)).toEqual(expect.arrayContaining(OUR_API_KEYS))
    )
  })

  it('is answered: Metadata', async () => {
    await askInEveryVersion(
      Metadata,
      () => ({ topics: [{ name: topic }], allowAutoTopicCreation: false }),
      answer =>
        expect(answer.topics[0]).toMatchObject({ errorCode: 0, name: topic, partitions: [{ partitionIndex: 0 }] })
    )
  })

  it('is answered: Fetch, without records', async () => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }]
    await askInEveryVersion(
      Fetch,
      () => ({ maxWaitMs: 0, minBytes: 0, topics: [{ topic, topicId, partitions }], isolationLevel: 1 }),
      answer => expect(answer.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, abortedTransactions: [] })
    )
  })

  it('is answered: ListOffsets', async () => {
    await askInEveryVersion(
      ListOffsets,
      () => ({ replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }] }),
      answer => expect(answer.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, offset: 0 })
    )
  })

  it('is answered: FindCoordinator', async () => {
    await askInEveryVersion(
      FindCoordinator,
      version => (version < 4 ? { key: topic } : { coordinatorKeys: [topic], keyType: 0 }),
      (answer, version) => {
        const found = version < 4 ? answer : answer.coordinators[0]!
        expect(found).toMatchObject({ errorCode: 0, port: expect.any(Number) })
        expect(found.host).not.toBe('')
      }
    )
  })

  it('is answered: OffsetFetch', async () => {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    await askInEveryVersion(
      OffsetFetch,
      version => (version < 8 ? { groupId: topic, topics } : { groups: [{ groupId: topic, topics }] }),
      (answer, version) => {
        const group = version < 8 ? answer : answer.groups[0]!
        expect(group.topics[0]!.partitions[0]).toMatchObject({ partitionIndex: 0, committedOffset: -1, errorCode: 0 })
      }
    )
  })

  it('is answered: DescribeConfigs', async () => {
    await askInEveryVersion(
      DescribeConfigs,
      () => ({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: ['retention.ms'] }] }),
      answer => expect(answer.results[0]!.configs[0]).toMatchObject({ name: 'retention.ms', value: '-1' })
    )
  })

  it('is answered: DescribeCluster, DescribeGroups, ListGroups, InitProducerId', async () => {
    await askInEveryVersion(
      DescribeCluster,
      () => ({ includeClusterAuthorizedOperations: false }),
      answer => expect(answer.brokers.length).toBeGreaterThan(0)
    )
    await askInEveryVersion(
      DescribeGroups,
      () => ({ groups: [topic] }),
      answer => expect(answer.groups[0]).toMatchObject({ groupId: topic, groupState: 'Dead', members: [] })
    )
    await askInEveryVersion(
      ListGroups,
      () => ({}),
      answer => expect(answer.errorCode).toBe(0)
    )
    await askInEveryVersion(
      InitProducerId,
      () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
      answer => expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0, producerId: expect.any(BigInt) })
    )
  })
})
