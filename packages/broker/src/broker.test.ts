import { createKafkaClient, type Transport } from '@millrace/client'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { EmbeddedBroker } from './index.ts'
import { realClock, realRandom } from './system-time.ts'

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
  const client = createKafkaClient({ transport, clock: realClock, random: realRandom, logger: SILENT_LOGGER })
  await client.connect()
  await client.close()
})
