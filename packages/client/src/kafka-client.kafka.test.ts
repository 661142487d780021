import { randomBytes } from 'node:crypto'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, describe, expect, test } from 'vitest'
import type { RunningBroker } from '../../../scripts/running-broker.ts'
import { startBroker } from '../../../scripts/start-broker.ts'
import { createKafkaClient } from './kafka-client.ts'

const brokers = process.env.KAFKA_BROKERS?.split(',')
if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')

const closing: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

describe('a client', () => {
  test('connects, creates a topic, describes and reads it', async () => {
    const client = open(brokers)
    await client.connect()
    const topic = `client-test-${randomBytes(4).toString('hex')}`
    await client.admin.createTopics([{ name: topic, partitionCount: 2, replicationFactor: 1, configs: {} }])
    closing.push(() => client.admin.deleteTopics([topic]))
    expect((await client.admin.describeTopics([topic])).get(topic)?.partitionCount).toBe(2)
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1_000_000 })
    const readers = [0, 1].map(partition => fetcher.add({ topic, partition }, 0))
    while (readers.some(({ highWatermark }) => highWatermark < 0)) await fetcher.wait(10_000)
    expect(readers.map(reader => reader.next())).toEqual([false, false])
  })

  test('names every broker that it could not reach', async () => {
    const client = open(['127.0.0.1:1', 'localhost:2'])
    const error = await client.connect().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'CLIENT_CONNECT_FAILED', action: 'retry' })
    expect(String(error)).toContain('127.0.0.1:1')
    expect(String(error)).toContain('localhost:2')
    expect(String(error)).toContain('ECONNREFUSED')
  })

  test('refuses everything after it is closed', async () => {
    const client = open(brokers)
    await client.connect()
    await client.close()
    await expect(client.admin.describeTopics()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('a broker that is killed and comes back', () => {
  test('is read from again, without a record lost or doubled', async () => {
    const broker = await startBroker()
    closing.push(() => broker.stop())
    const topic = 'restarted'
    const client = open([broker.brokers])
    await client.admin.createTopics([{ name: topic, partitionCount: 1, replicationFactor: 1, configs: {} }])
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1_000_000 })
    const reader = fetcher.add({ topic, partition: 0 }, 0)
    const seen: string[] = []
    const readTo = async (position: number): Promise<void> => {
      for (;;) {
        while (reader.next()) seen.push(reader.buffer.toString('utf8', reader.valueStart, reader.valueEnd))
        if (reader.position >= position) return
        await fetcher.wait(10_000)
      }
    }
    await write(broker, topic, ['a', 'b', 'c'])
    await readTo(3)
    // A long poll is under way.
    await broker.restart('SIGKILL')
    await write(broker, topic, ['d', 'e'])
    await readTo(5)
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})

function open(addresses: string[]): KafkaClient {
  const client = createKafkaClient({
    transport: kafkajsTransport({ brokers: addresses }),
    clock: systemClock,
    random: Math.random,
    logger: SILENT_LOGGER
  })
  closing.push(() => client.close())
  return client
}

async function write({ brokers }: RunningBroker, topic: string, values: readonly string[]): Promise<void> {
  const producer: Producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
    createPartitioner: Partitioners.DefaultPartitioner
  })
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ value })) })
  await producer.disconnect()
}
