import { createKafkaClient, type Transport } from '@millrace/client'
import { CreateTopics, IncrementalAlterConfigs, ListOffsets, Produce, restampBatch } from '@millrace/protocol'
import { SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { EmbeddedBroker } from './index.ts'
import { batchOf } from './log/test-support/log-rig.ts'
import { WireClient } from './test-support/wire-client.ts'

test('listens on a free port of the loopback, and tells kafkajs what it serves', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  expect(broker.address).toEqual({ host: '127.0.0.1', port: expect.any(Number) })
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.disconnect()
})

test('is reached by our client without a socket', async () => {
  await using broker = await EmbeddedBroker.start()
  expect(broker.address).toBeUndefined()
  const transport: Transport = broker.transport()
  const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  await client.connect()
  await client.close()
})

test('trims and compacts topics by the clock, and goes on when it cannot', async () => {
  const clock = new MockClock(1_700_000_000_000)
  const errors: unknown[] = []
  const logger = { ...SILENT_LOGGER, error: (_text: string, fields?: object) => void errors.push(fields) }
  await using broker = await EmbeddedBroker.start({ clock, logger })
  const client = new WireClient(broker.connect())
  const topic = (name: string, settings: Record<string, string>) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(settings).map(([setting, value]) => ({ name: setting, value }))
  })
  const topics = [topic('broken', {}), topic('trimmed', { 'retention.ms': '1000' })]
  await client.send(CreateTopics, 7, { topics, timeoutMs: 1000 })
  const good = batchOf([{}], clock.nowMs())
  // Compressed bytes that are none: nobody looked while the topic was not compacted.
  const bad = Buffer.from(good)
  bad.writeInt16BE(1, 21)
  restampBatch(bad, { producerId: -1n, producerEpoch: -1, baseSequence: -1 })
  for (const [name, records] of [
    ['broken', bad],
    ['trimmed', good]
  ] as const) {
    const topicData = [{ name, partitionData: [{ index: 0, records }] }]
    const answer = await client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  }
  const configs = [
    { name: 'cleanup.policy', configOperation: 0, value: 'compact' },
    { name: 'max.compaction.lag.ms', configOperation: 0, value: '1' }
  ]
  const resources = [{ resourceType: 2, resourceName: 'broken', configs }]
  const altered = await client.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
  expect(altered.responses[0]?.errorCode).toBe(0)
  clock.advance(15_000)
  expect(errors).toEqual([expect.objectContaining({ topic: 'broken' })])
  const partitions = [{ partitionIndex: 0, timestamp: -2 }]
  const offsets = await client.send(ListOffsets, 7, { replicaId: -1, topics: [{ name: 'trimmed', partitions }] })
  expect(offsets.topics[0]?.partitions[0]?.offset).toBe(1)
  client.close()
})
