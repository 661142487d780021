import { type KafkaAdmin, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { createCluster } from '../index.ts'
import { createAdmin } from './index.ts'

const addresses = process.env.KAFKA_BROKERS?.split(',')
const prefix = `admin-test-${Math.floor(systemRandom() * 2 ** 32).toString(36)}`

let cluster: Cluster
let admin: KafkaAdmin
let kafka: Kafka
let producer: Producer
const topics = new Set<string>()

async function createTopic(
  name: string,
  partitionCount: number,
  configs: Record<string, string> = {}
): Promise<string> {
  const topic = `${prefix}-${name}`
  topics.add(topic)
  expect(await admin.createTopics([{ name: topic, partitionCount, replicationFactor: 1, configs }])).toEqual(
    new Map([[topic, 'created']])
  )
  return topic
}

beforeAll(async () => {
  if (addresses === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')
  const transport = kafkajsTransport({ brokers: addresses })
  cluster = createCluster({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  admin = createAdmin({ cluster, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  kafka = new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING })
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
})

afterAll(async () => {
  await producer.disconnect()
  await admin.deleteTopics([...topics])
  await cluster.close()
})

describe('topics', () => {
  it('are created with their configs, described, reported as existing the second time, and deleted', async () => {
    const topic = await createTopic('life', 3, { 'cleanup.policy': 'compact', 'retention.ms': '-1' })
    expect((await admin.describeTopics([topic, `${prefix}-absent`])).get(topic)).toEqual({
      name: topic,
      partitionCount: 3,
      replicationFactor: 1,
      internal: false,
      topicId: expect.stringMatching(/^[\w-]{22}$/)
    })
    expect((await admin.describeTopics()).has(topic)).toBe(true)
    const configs = (await admin.describeTopicConfigs([topic, `${prefix}-absent`])).get(topic)
    expect(configs?.get('cleanup.policy')).toBe('compact')
    expect(configs?.get('retention.ms')).toBe('-1')
    expect(configs?.get('min.insync.replicas')).toBe('1')

    const again = await admin.createTopics([{ name: topic, partitionCount: 9, replicationFactor: -1, configs: {} }])
    expect(again.get(topic)).toBe('exists')
    expect((await admin.describeTopics([topic])).get(topic)?.partitionCount).toBe(3)

    await admin.deleteTopics([topic, `${prefix}-absent`])
    topics.delete(topic)
    expect((await admin.describeTopics([topic, `${prefix}-absent`])).size).toBe(0)
  })

  it.each([
    ['INVALID_REPLICATION_FACTOR', { replicationFactor: 99 }, /number of brokers/],
    ['INVALID_PARTITIONS', { partitionCount: 0 }, /at least 1/],
    // Brokers of 3.0 without ZooKeeper, a preview then, take any.
    ...(process.env['MILLRACE_KAFKA_VERSION']?.startsWith('3.0.')
      ? []
      : [['INVALID_CONFIG', { configs: { 'no.such.config': 'x' } }, /no\.such\.config/] as const])
  ] as const)('are refused with %s, the name and the broker’s words', async (kafkaError, wrong, text) => {
    const name = `${prefix}-refused`
    const creating = admin.createTopics([{ name, partitionCount: 1, replicationFactor: 1, configs: {}, ...wrong }])
    await expect(creating).rejects.toMatchObject({ code: 'TOPIC_CREATE_FAILED', details: { topic: name, kafkaError } })
    await expect(creating).rejects.toThrow(text)
  })
})

describe('offsets', () => {
  it('are found at the start, at the end, and by time', async () => {
    const topic = await createTopic('offsets', 2)
    const messages = [1000, 2000, 3000].map(ms => ({
      partition: 0,
      value: 'v',
      timestamp: String(1_700_000_000_000 + ms)
    }))
    await producer.send({ topic, messages })
    const at = (partition: number, when: 'earliest' | 'latest' | number) => ({ topic, partition, at: when })
    const found = await admin.listOffsets(
      [
        at(0, 'earliest'),
        at(0, 'latest'),
        at(0, 1_700_000_001_500),
        at(0, 1_700_000_009_000),
        at(1, 'latest'),
        at(0, 0)
      ],
      'read_uncommitted'
    )
    expect(found.map(({ offset }) => offset)).toEqual([0, 3, 1, -1, 0, 0])
    expect(found[4]).toEqual({ topic, partition: 1, offset: 0 })
  })

  it('end at the last stable one under read_committed, and at the high watermark otherwise', async () => {
    const topic = await createTopic('stable', 1)
    await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
    const transactional = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: `${prefix}-lso`,
      idempotent: true,
      maxInFlightRequests: 1
    })
    await transactional.connect()
    try {
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [{ value: 'c' }] })
      const end = { topic, partition: 0, at: 'latest' as const }
      expect((await admin.listOffsets([end], 'read_uncommitted'))[0]?.offset).toBe(3)
      expect((await admin.listOffsets([end], 'read_committed'))[0]?.offset).toBe(2)
      await transaction.abort()
    } finally {
      await transactional.disconnect()
    }
  })

  it('of a topic or partition that does not exist are an error that names it', async () => {
    const topic = await createTopic('one', 1)
    const absent = `${prefix}-nowhere`
    await expect(
      admin.listOffsets([{ topic: absent, partition: 0, at: 'latest' }], 'read_committed')
    ).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      details: { topic: absent }
    })
    await expect(admin.listOffsets([{ topic, partition: 1, at: 'latest' }], 'read_committed')).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      details: { topic, partition: 1, partitionCount: 1 }
    })
  })

  it('move up when records are deleted, which may be repeated, but not beyond the end', async () => {
    const topic = await createTopic('purged', 2)
    await producer.send({ topic, messages: [0, 1, 2, 3].map(() => ({ partition: 1, value: 'v' })) })
    await admin.deleteRecords([
      { topic, partition: 1, offset: 3 },
      { topic, partition: 0, offset: 0 }
    ])
    await admin.deleteRecords([{ topic, partition: 1, offset: 2 }])
    const start = await admin.listOffsets([{ topic, partition: 1, at: 'earliest' }], 'read_uncommitted')
    expect(start[0]?.offset).toBe(3)
    await expect(admin.deleteRecords([{ topic, partition: 1, offset: 99 }])).rejects.toMatchObject({
      code: 'CLIENT_OFFSET_OUT_OF_RANGE',
      details: { topic, partition: 1 }
    })
  })
})

describe('committed offsets', () => {
  it('wait for the open transaction that holds them when they must be stable', async () => {
    const topic = await createTopic('input', 2)
    const groupId = `${prefix}-group`
    const partitions = [
      { topic, partition: 0 },
      { topic, partition: 1 }
    ]
    expect(await admin.fetchOffsets(groupId, partitions, { requireStable: true })).toEqual(
      partitions.map(each => ({ ...each, offset: -1, leaderEpoch: -1, metadata: '' }))
    )
    const transactional = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: `${prefix}-offsets`,
      idempotent: true,
      maxInFlightRequests: 1
    })
    await transactional.connect()
    try {
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [{ value: 'x' }] })
      await transaction.sendOffsets({
        consumerGroupId: groupId,
        topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }]
      })
      // Without the demand: what was committed before.
      expect((await admin.fetchOffsets(groupId, partitions, { requireStable: false }))[0]?.offset).toBe(-1)
      await expect(
        admin.fetchOffsets(groupId, partitions, { requireStable: true, timeoutMs: 200 })
      ).rejects.toMatchObject({ code: 'GROUP_OFFSETS_UNSTABLE', details: { groupId, topic, partition: 0 } })

      let committing: Promise<void> | undefined
      const found = await admin.fetchOffsets(groupId, partitions, {
        requireStable: true,
        onUnstable: () => {
          committing ??= transaction.commit()
        }
      })
      expect(committing).toBeDefined()
      expect(found.map(({ offset }) => offset)).toEqual([7, -1])
      await committing
    } finally {
      await transactional.disconnect()
      await admin.deleteGroup(groupId)
    }
    expect((await admin.describeGroup(groupId)).state).toBe('Dead')
    await admin.deleteGroup(groupId)
  })
})
