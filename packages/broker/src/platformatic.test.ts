// Somebody else's client, unmodified.
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers
} from '@platformatic/kafka'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EmbeddedBroker } from './index.ts'

let broker: EmbeddedBroker
const errors: unknown[] = []
const closers: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  const logger = { debug() {}, info() {}, warn() {}, error: (...said: unknown[]) => errors.push(said) }
  broker = await EmbeddedBroker.start({ port: 0, logger })
})

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await broker.close()
  expect(errors.splice(0)).toEqual([])
})

const base = (clientId: string) => ({ clientId, bootstrapBrokers: [broker.bootstrap] })

function closing<C extends { close(): Promise<unknown> }>(client: C): C {
  closers.push(() => client.close())
  return client
}

async function createTopic(name: string): Promise<Admin> {
  const admin = closing(new Admin(base('admin')))
  await admin.createTopics({ topics: [name], partitions: 3, replicas: 1 })
  return admin
}

/** What a new member of the group reads, up to `count` messages, each committed. */
async function read(groupId: string, topic: string, count: number): Promise<string[]> {
  const consumer = new Consumer({ ...base('consumer'), groupId, deserializers: stringDeserializers })
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: 'earliest',
    autocommit: false,
    maxWaitTime: 100
  })
  const values: string[] = []
  for await (const message of stream) {
    values.push(message.value)
    await message.commit()
    if (values.length === count) break
  }
  await consumer.close(true)
  return values
}

test('@platformatic/kafka, as it is, writes in every compression, and a group goes on where it left off', async () => {
  const admin = await createTopic('t')
  const producer = closing(
    new Producer({ ...base('producer'), serializers: stringSerializers, idempotent: true, acks: ProduceAcks.ALL })
  )
  const expected: string[] = []
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const messages = Array.from({ length: 20 }, (_, i) => ({
      topic: 't',
      key: `k${i}`,
      value: `${compression}-${i}`,
      headers: { h: 'x' }
    }))
    await producer.send({ messages, compression })
    expected.push(...messages.map(({ value }) => value))
  }
  const seen = [...(await read('readers', 't', 60)), ...(await read('readers', 't', 40))]
  expect(seen.toSorted()).toEqual(expected.toSorted())
  expect((await admin.describeGroups({ groups: ['readers'] })).get('readers')).toMatchObject({ state: 'Empty' })
  await admin.deleteGroups({ groups: ['readers'] })
  expect(await admin.listGroups()).toEqual(new Map())
})

test('@platformatic/kafka, as it is, commits and aborts transactions', async () => {
  await createTopic('t')
  const producer = closing(
    new Producer({ ...base('producer'), serializers: stringSerializers, idempotent: true, transactionalId: 'id' })
  )
  for (const end of ['commit', 'abort', 'commit'] as const) {
    const transaction = await producer.beginTransaction()
    await transaction.send({
      messages: [
        { topic: 't', key: 'k', value: `${end}-1` },
        { topic: 't', key: 'l', value: `${end}-2` }
      ]
    })
    await transaction[end]()
  }
  expect((await read('readers', 't', 4)).toSorted()).toEqual(['commit-1', 'commit-1', 'commit-2', 'commit-2'])
})
