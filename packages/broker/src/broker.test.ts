import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaClient, type Transport } from '@millrace/client'
import {
  CreateTopics,
  Fetch,
  IncrementalAlterConfigs,
  JoinGroup,
  ListOffsets,
  Produce,
  restampBatch,
  ZERO_UUID
} from '@millrace/protocol'
import { SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { ErrorCode } from './error-code.ts'
import { EmbeddedBroker } from './index.ts'
import { PartitionLog } from './log/partition-log.ts'
import { batchOf } from './log/test-support/log-rig.ts'
import { DiskJournal } from './storage/disk-journal.ts'
import { StorageError } from './storage/log-storage.ts'
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

test('says why it cannot listen', async () => {
  await using other = await EmbeddedBroker.start({ port: 0 })
  const { port } = other.address as { port: number }
  await expect(EmbeddedBroker.start({ port })).rejects.toMatchObject({
    code: 'BROKER_LISTEN_FAILED',
    message: expect.stringContaining(`127.0.0.1:${port}: the port is taken.`)
  })
  await expect(EmbeddedBroker.start({ port: 0, host: 'no-such-host.invalid' })).rejects.toMatchObject({
    code: 'BROKER_LISTEN_FAILED',
    message: expect.not.stringContaining('taken')
  })
})

test('tells an address of IPv6 as clients read it', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, advertisedHost: '::1' })
  expect(broker.bootstrap).toBe(`[::1]:${broker.address?.port}`)
})

test('says why it cannot keep its data where it is told to', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  try {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    await expect(EmbeddedBroker.start({ data: file })).rejects.toMatchObject({
      code: 'BROKER_DATA_UNUSABLE',
      message: expect.stringContaining(`'${file}': E`)
    })
    mkdirSync(join(dir, 'journals', 'topics'), { recursive: true })
    await expect(EmbeddedBroker.start({ data: dir })).rejects.toMatchObject({ code: 'BROKER_DATA_UNUSABLE' })
    rmSync(join(dir, 'journals'), { recursive: true })
    await using broker = await EmbeddedBroker.start({ data: dir })
    expect(broker.connectionCount).toBe(0)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('stays closed when it is closed in the middle of a restart', async () => {
  const clock = new MockClock(0)
  const broker = await EmbeddedBroker.start({ port: 0, clock })
  const { port } = broker.address as { port: number }
  const restarted = broker.restart({ downMs: 1000 })
  await broker.close()
  await restarted
  await using next = await EmbeddedBroker.start({ port })
  expect(next.address?.port).toBe(port)
})

test('a JoinGroup that the disk refuses is told so, and keeps its connection', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  try {
    await using broker = await EmbeddedBroker.start({ data: dir })
    const client = new WireClient(broker.connect())
    using full = vi.spyOn(DiskJournal.prototype, 'append').mockImplementationOnce(() => {
      throw new StorageError('The disk is full.')
    })
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const request = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' }
    const joins = () => client.send(JoinGroup, 5, { ...request, groupId: 'g', protocols })
    expect((await joins()).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(full).toHaveBeenCalled()
    expect((await joins()).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    client.close()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('records that cannot be read are the trouble of who reads them, not of who writes', async () => {
  await using broker = await EmbeddedBroker.start()
  const [writer, reader] = [new WireClient(broker.connect()), broker.connect()]
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  await writer.send(CreateTopics, 7, { topics, timeoutMs: 1000 })
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  const asked = [{ topic: 't', topicId: ZERO_UUID, partitions }]
  const closed = once(reader, 'close')
  using waitingReaders = vi.spyOn(PartitionLog.prototype, 'onChange')
  void new WireClient(reader).send(Fetch, 11, { maxWaitMs: 600_000, minBytes: 1, topics: asked })
  await expect.poll(() => waitingReaders.mock.calls.length).toBe(1)
  using unreadable = vi.spyOn(PartitionLog.prototype, 'availableBytes').mockImplementation(() => {
    throw new Error('The disk cannot be read.')
  })
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf([{}], 0) }] }]
  const answer = await writer.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
  await closed
  expect(unreadable).toHaveBeenCalled()
  writer.close()
})
