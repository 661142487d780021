import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  decodeResponse,
  encodeRequest,
  encodeRequestHeader,
  Fetch,
  JoinGroup,
  ListOffsets,
  Metadata,
  Produce
} from '@millrace/protocol'
import { MockClock } from '@millrace/testing'
import { expect, test } from 'vitest'
import { EmbeddedBroker } from '../index.ts'
import { batchOf } from '../log/test-support/log-rig.ts'
import { fuzz } from '../test-support/fuzz-run.ts'
import { WireClient } from '../test-support/wire-client.ts'

function dial(broker: EmbeddedBroker): Socket {
  const { host, port } = broker.address as { host: string; port: number }
  // Being cut off is what some of these are for.
  return connect(port, host).on('error', () => {})
}

/** Everything that comes until the other side closes. */
async function untilClosed(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise<void>(resolve => {
    stream.on('close', () => resolve())
    stream.on('error', () => {})
  })
  return Buffer.concat(chunks)
}

function frameOf(apiKey: number, apiVersion: number, body: Buffer, flexible: boolean): Buffer {
  const header = encodeRequestHeader({ apiKey, apiVersion, correlationId: 5, clientId: 'test' }, flexible)
  const frame = Buffer.concat([Buffer.alloc(4), header, body])
  frame.writeInt32BE(frame.length - 4)
  return frame
}

async function createTopic(client: WireClient, name: string): Promise<void> {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  expect((await client.send(CreateTopics, 7, { topics, timeoutMs: 1000 })).topics[0]?.errorCode).toBe(0)
}

function produced(topic: string, records: Buffer, acks = -1) {
  return { acks, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
}

function fetched(topic: string, { maxWaitMs = 0, minBytes = 1, fetchOffset = 0 } = {}) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 26 }]
  return { maxWaitMs, minBytes, topics: [{ topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions }] }
}

test('answers requests that come byte by byte, and several that come at once, in their order', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const body = encodeRequest(ApiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
  const frame = frameOf(ApiVersions.key, 0, body, false)
  const stream = broker.connect()
  const answers: Buffer[] = []
  stream.on('data', (chunk: Buffer) => answers.push(chunk))
  for (const byte of frame) stream.write(Buffer.from([byte]))
  const numbered = [1, 2, 3].map(correlationId => {
    const copy = Buffer.from(frame)
    copy.writeInt32BE(correlationId, 8)
    return copy
  })
  stream.write(Buffer.concat(numbered))
  const size = (): number => answers.reduce((sum, { length }) => sum + length, 0)
  await expect
    .poll(() => size() > 0 && size() % 4 === 0 && Buffer.concat(answers).readInt32BE(0) + 4 === size() / 4)
    .toBe(true)
  const bytes = Buffer.concat(answers)
  const each = bytes.length / 4
  expect([0, 1, 2, 3].map(i => bytes.readInt32BE(i * each + 4))).toEqual([5, 1, 2, 3])
  stream.destroy()
})

test('tells a client that is newer than itself which versions of ApiVersions it knows', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const socket = dial(broker)
  socket.write(frameOf(ApiVersions.key, 99, Buffer.from([1, 2, 3]), true))
  const [answer] = (await new Promise<Buffer[]>(resolve => socket.once('data', chunk => resolve([chunk])))) as [Buffer]
  expect(decodeResponse(ApiVersions, 0, answer.subarray(8))).toMatchObject({
    errorCode: 35,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }]
  })
  socket.destroy()
})

test.each([
  ['a kind that does not exist', frameOf(9999, 0, Buffer.alloc(0), false)],
  ['a version that is not served', frameOf(Metadata.key, 99, Buffer.alloc(0), true)],
  ['a body that ends too early', frameOf(Metadata.key, 1, Buffer.from([0, 0]), false)],
  ['a count that cannot be true', frameOf(Metadata.key, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]), false)],
  ['a frame without a header', Buffer.from([0, 0, 0, 2, 0, 3])],
  ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a size beyond the limit', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ['TLS', Buffer.from('16030100f8010000f40303', 'hex')]
])('closes the connection on %s, and goes on serving others', async (_what, bytes) => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const socket = dial(broker)
  socket.write(bytes)
  expect(await untilClosed(socket)).toHaveLength(0)
  const client = WireClient.dial(broker.bootstrap)
  expect((await client.send(Metadata, 12, { topics: null })).topics).toEqual([])
  client.close()
})

test('holds nothing back for a peer that does not read, and nothing after it left', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const client = WireClient.dial(broker.bootstrap)
  await createTopic(client, 't')
  const value = 'x'.repeat(900_000)
  for (let i = 0; i < 12; i++) await client.send(Produce, 9, produced('t', batchOf([{ value }], Date.now())))
  const socket = dial(broker)
  socket.pause()
  const request = frameOf(Fetch.key, 11, encodeRequest(Fetch, 11, fetched('t')), false)
  const before = process.memoryUsage().arrayBuffers
  // A gigabyte of answers, were they all made.
  for (let i = 0; i < 100; i++) socket.write(request)
  for (let i = 0; i < 20; i++) await client.send(Metadata, 12, { topics: null })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
  socket.destroy()
  await expect.poll(() => broker.connectionCount).toBe(1)
  client.close()
})

test('closes connections that are silent, or stuck in the middle of a request, and no others', async () => {
  const clock = new MockClock(1_700_000_000_000)
  await using broker = await EmbeddedBroker.start({ clock, maxConnectionIdleMs: 1000 })
  const [silent, stuck, busy] = [broker.connect(), broker.connect(), broker.connect()] as const
  const ends = [silent, stuck].map(untilClosed)
  clock.advance(600)
  stuck.write(Buffer.from([0, 0, 0, 20, 0]))
  const client = new WireClient(busy)
  await client.send(Metadata, 12, { topics: null })
  clock.advance(600)
  await ends[0]
  await expect.poll(() => broker.connectionCount).toBe(2)
  await client.send(Metadata, 12, { topics: null })
  clock.advance(600)
  await ends[1]
  await client.send(Metadata, 12, { topics: null })
  await expect.poll(() => broker.connectionCount).toBe(1)
  client.close()
})

test('lets a fetch wait for records, for the time it gives, and no longer than its connection', async () => {
  const clock = new MockClock(1_700_000_000_000)
  await using broker = await EmbeddedBroker.start({ clock })
  const [reader, writer] = [new WireClient(broker.connect()), new WireClient(broker.connect())]
  await createTopic(writer, 't')
  let answered = 0
  const wait = async (minBytes: number) => {
    const answer = await reader.send(Fetch, 11, fetched('t', { maxWaitMs: 500, minBytes }))
    answered++
    return answer.responses[0]!.partitions[0]!
  }
  const byRecords = wait(100)
  await writer.send(Produce, 9, produced('t', batchOf([{ value: 'small' }], clock.nowMs())))
  expect(answered).toBe(0)
  await writer.send(Produce, 9, produced('t', batchOf([{ value: 'x'.repeat(100) }], clock.nowMs())))
  expect(await byRecords).toMatchObject({ errorCode: 0, highWatermark: 2 })

  const byTime = wait(100_000)
  await writer.send(Metadata, 12, { topics: null })
  clock.advance(499)
  await writer.send(Metadata, 12, { topics: null })
  expect(answered).toBe(1)
  clock.advance(1)
  expect((await byTime).records?.length).toBeGreaterThan(0)

  void wait(100_000)
  await writer.send(Metadata, 12, { topics: null })
  reader.close()
  await expect.poll(() => broker.connectionCount).toBe(1)
  writer.close()
})

test('serves what a peer has sent before it hung up, and lets go of a request that waits', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const client = WireClient.dial(broker.bootstrap)
  await createTopic(client, 't')
  const socket = dial(broker)
  const waiting = encodeRequest(Fetch, 11, fetched('t', { maxWaitMs: 1_000_000_000 }))
  socket.write(frameOf(Fetch.key, 11, waiting, false))
  socket.end(frameOf(Produce.key, 9, encodeRequest(Produce, 9, produced('t', batchOf([{}], Date.now()), 0)), true))
  const highWatermark = async () => {
    return (await client.send(Fetch, 11, fetched('t'))).responses[0]?.partitions[0]?.highWatermark
  }
  await expect.poll(highWatermark).toBe(1)
  await expect.poll(() => broker.connectionCount).toBe(1)
  client.close()
})

test('refuses more partitions than it can hold', async () => {
  await using broker = await EmbeddedBroker.start()
  const client = new WireClient(broker.connect())
  await createTopic(client, 't')
  const asked = { topics: [{ name: 't', count: 0x7fff_ffff, assignments: null }], timeoutMs: 1000, validateOnly: false }
  expect((await client.send(CreatePartitions, 3, asked)).results[0]?.errorCode).toBe(37)
  client.close()
})

test('forms a group with a member that names a protocol twice', async () => {
  await using broker = await EmbeddedBroker.start()
  const client = new WireClient(broker.connect())
  const protocols = ['a', 'b'].map(metadata => ({ name: 'range', metadata: Buffer.from(metadata) }))
  const asked = { groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols }
  expect(await client.send(JoinGroup, 3, asked)).toMatchObject({ errorCode: 0, protocolName: 'range' })
  client.close()
})

test('closes the connection of a producer that wants no answer when its records are refused', async () => {
  await using broker = await EmbeddedBroker.start()
  const client = new WireClient(broker.connect())
  await createTopic(client, 't')
  const stream = broker.connect()
  const closed = untilClosed(stream)
  const good = produced('t', batchOf([{}], Date.now()), 0)
  stream.write(frameOf(Produce.key, 9, encodeRequest(Produce, 9, good), true))
  stream.write(
    frameOf(
      Produce.key,
      9,
      encodeRequest(Produce, 9, {
        ...good,
        topicData: [{ name: 'x', partitionData: good.topicData[0]!.partitionData }]
      }),
      true
    )
  )
  expect(await closed).toHaveLength(0)
  const offsets = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const answer = await client.send(ListOffsets, 7, { replicaId: -1, topics: offsets })
  expect(answer.topics[0]?.partitions[0]?.offset).toBe(1)
  client.close()
})

test('survives frames of any bytes: random ones, and requests that are cut or changed', async () => {
  const { answers, errors } = await fuzz({ frames: 5000, seed: 1 })
  expect(errors).toEqual([])
  expect(answers).toBeGreaterThan(500)
})
