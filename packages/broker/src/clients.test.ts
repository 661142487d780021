import type { Duplex } from 'node:stream'
import { createKafkaClient, type Transport } from '@millrace/client'
import { SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { EmbeddedBroker } from './index.ts'

const WAYS = ['over TCP', 'without a socket'] as const

function kafkajsOf(broker: EmbeddedBroker, way: (typeof WAYS)[number]): Kafka {
  const config: KafkaConfig = { brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }
  if (way === 'over TCP') return new Kafka(config)
  const socketFactory = ({ onConnect }: { onConnect: () => void }) => socketLike(broker.connect(), onConnect)
  return new Kafka({ ...config, socketFactory: socketFactory as never })
}

/** What kafkajs calls on a socket and a Duplex lacks. */
function socketLike(stream: Duplex, onConnect: () => void): Duplex {
  queueMicrotask(onConnect)
  return Object.assign(stream, { setKeepAlive() {}, setNoDelay() {}, unref() {}, ref() {} })
}

for (const way of WAYS) {
  test(`kafkajs, as it is, writes and reads ${way}, in transactions and in a group`, async () => {
    await using broker = await EmbeddedBroker.start({ port: 0 })
    const kafka = kafkajsOf(broker, way)
    const producer = kafka.producer({ transactionalId: 'id', idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await producer.transaction()
      const messages = [1, 2, 3].map(i => ({ key: `k${i}`, value: `${end}-${i}`, headers: { h: 'x' } }))
      await transaction.send({ topic: 'made-by-metadata', messages })
      await transaction[end]()
    }
    await producer.disconnect()

    const consumer = kafka.consumer({ groupId: 'readers' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'made-by-metadata', fromBeginning: true })
    const seen: string[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        if (seen.push(String(message.value)) === 3) resolve()
        return Promise.resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    expect(seen.sort()).toEqual(['commit-1', 'commit-2', 'commit-3'])
    const admin = kafka.admin()
    await admin.connect()
    const { groups } = await admin.describeGroups(['readers'])
    expect(groups[0]).toMatchObject({ errorCode: 0, state: 'Empty' })
    await admin.disconnect()
  })

  test(`our client writes and reads ${way}`, async () => {
    await using broker = await EmbeddedBroker.start(way === 'over TCP' ? { port: 0 } : {})
    const transport: Transport =
      way === 'over TCP' ? kafkajsTransport({ brokers: [broker.bootstrap] }) : broker.transport()
    const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
    await client.admin.createTopics([{ name: 't', partitionCount: 2, replicationFactor: 1, configs: {} }])
    const producer = await client.createProducer({})
    const topic = await producer.topic('t')
    for (let i = 0; i < 10_000; i++) {
      const value = Buffer.from(`value-${i}`)
      topic.append(i % 2, null, 0, -1, value, 0, value.length, 1_700_000_000_000 + i, [])
    }
    await producer.flush()
    await producer.close()
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1 << 20 })
    const readers = [0, 1].map(partition => fetcher.add({ topic: 't', partition }, 0))
    const values = readers.map((): string[] => [])
    while (values.some(({ length }) => length < 5000)) {
      for (const [i, reader] of readers.entries()) {
        while (reader.next()) values[i]?.push(reader.buffer.toString('utf8', reader.valueStart, reader.valueEnd))
      }
      await fetcher.wait(1000)
    }
    expect(values).toEqual([0, 1].map(first => Array.from({ length: 5000 }, (_, i) => `value-${2 * i + first}`)))
    await client.close()
  })
}
