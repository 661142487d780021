// Somebody else's client, unmodified.
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { expect, it, vi } from 'vitest'
import { EmbeddedBroker } from './broker.ts'

function kafkajs(broker: EmbeddedBroker): Kafka {
  return new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })
}

async function createTopic(kafka: Kafka, topic: string, numPartitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

/** Reads as a member of a group until it is stopped. */
async function consume(kafka: Kafka, topic: string, groupId: string, seen: string[]): Promise<() => Promise<void>> {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 100, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, message }) => {
      seen.push(`${partition} ${message.value?.toString()}`)
    }
  })
  return () => consumer.disconnect()
}

it('shares partitions among consumers of a group, and hands them on when one leaves', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const kafka = kafkajs(broker)
  await createTopic(kafka, 't', 4)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const send = (round: string) =>
    producer.send({
      topic: 't',
      messages: [0, 1, 2, 3].map(partition => ({ partition, value: round }))
    })
  const [one, two]: [string[], string[]] = [[], []]
  const stopOne = await consume(kafka, 't', 'g', one)
  const stopTwo = await consume(kafka, 't', 'g', two)
  const partitionsOf = (seen: string[], round: string) => seen.filter(text => text.endsWith(round)).map(text => text[0])
  await vi.waitUntil(
    async () => {
      one.length = 0
      two.length = 0
      await send('a')
      await vi.waitUntil(() => partitionsOf([...one, ...two], 'a').length >= 4, { timeout: 5000, interval: 5 })
      return one.length > 0 && two.length > 0
    },
    { timeout: 10_000, interval: 50 }
  )
  expect(partitionsOf([...one, ...two], 'a').sort()).toEqual(['0', '1', '2', '3'])
  await stopOne()
  await send('b')
  await vi.waitUntil(() => partitionsOf(two, 'b').length === 4, { timeout: 10_000, interval: 5 })
  await stopTwo()
  await producer.disconnect()
})

it('commits and aborts transactions with offsets, over a restart of the broker', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0 })
  const kafka = kafkajs(broker)
  await createTopic(kafka, 't', 1)
  const connect = async () => {
    const connected = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: 'id',
      maxInFlightRequests: 1,
      idempotent: true
    })
    await connected.connect()
    return connected
  }
  let producer = await connect()
  const transact = async (value: string, offset: string, end: 'commit' | 'abort'): Promise<void> => {
    const transaction = await producer.transaction()
    await transaction.send({ topic: 't', messages: [{ value }] })
    const topics = [{ topic: 't', partitions: [{ partition: 0, offset }] }]
    await transaction.sendOffsets({ consumerGroupId: 'g', topics })
    await transaction[end]()
  }
  await transact('one', '1', 'commit')
  await transact('two', '2', 'abort')
  await broker.restart()
  await producer.disconnect()
  producer = await connect()
  await transact('three', '3', 'commit')
  await transact('four', '4', 'abort')

  const admin = kafka.admin()
  await admin.connect()
  const [committed] = await admin.fetchOffsets({ groupId: 'g', topics: ['t'] })
  expect(committed?.partitions[0]?.offset).toBe('3')
  // Four records and four markers.
  expect((await admin.fetchTopicOffsets('t'))[0]?.high).toBe('8')
  await admin.disconnect()
  const seen: string[] = []
  const stop = await consume(kafka, 't', 'reader', seen)
  await vi.waitUntil(() => seen.length >= 2, { timeout: 10_000, interval: 5 })
  expect(seen).toEqual(['0 one', '0 three'])
  await stop()
  await producer.disconnect()
})
