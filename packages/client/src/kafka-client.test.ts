import { ApiVersions, Fetch, InitProducerId, Metadata, Produce } from '@millrace/protocol'
import { NO_HEADERS, StreamsError } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { expect, test } from 'vitest'
import { seededRandom, VirtualClock } from './group/test-support/virtual-clock.ts'
import { createKafkaClient } from './kafka-client.ts'
import { ScriptedTransport } from './test-support/scripted-transport.ts'
import type { RequestFrame, Transport } from './transport.ts'

test.each([
  ['of the client', 4_000, 4_000],
  ['of the transport, when the client has none', undefined, 7_000]
])(
  'fetches have the request time-out %s, beyond the time that the broker may wait for records',
  async (_whose, given, timeoutMs) => {
    const scripted = new ScriptedTransport(['one:9092'])
    scripted.brokers.set(1, 'one:9092')
    scripted.topics.set('t', { leaders: [[1, 0]] })
    scripted.on(Fetch, () => undefined)
    const fetches: RequestFrame[] = []
    const transport: Transport = {
      defaults: { requestTimeoutMs: 7_000 },
      bootstrap: () => scripted.bootstrap(),
      async connect(broker) {
        const connection = await scripted.connect(broker)
        return {
          get connected() {
            return connection.connected
          },
          send(frame) {
            if (frame.apiKey === Fetch.key) fetches.push(frame)
            return connection.send(frame)
          },
          close: () => connection.close()
        }
      }
    }
    const clock = new VirtualClock()
    const options = given === undefined ? {} : { requestTimeoutMs: given }
    const client = createKafkaClient({ transport, clock, random: seededRandom(1), logger: SILENT_LOGGER, ...options })
    client
      .createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1000, maxWaitMs: 300 })
      .add({ topic: 't', partition: 0 }, 0)
    await clock.until(() => fetches.length > 0, 5_000, 'a fetch is sent')
    expect(fetches[0]?.timeoutMs).toBe(timeoutMs + 300)
    await client.close()
  }
)

test('the process is held open while something the client gave a promise of is pending, and not otherwise', async () => {
  const scripted = new ScriptedTransport(['one:9092'])
  scripted.brokers.set(1, 'one:9092')
  scripted.topics.set('t', { leaders: [[1, 0]] })
  const spoken = [ApiVersions, Fetch, InitProducerId, Metadata, Produce]
  const apiKeys = spoken.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
  scripted.on(ApiVersions, () => ({ errorCode: 0, apiKeys, throttleTimeMs: 0 }))
  scripted.on(Fetch, () => undefined)
  const cut = (): never => {
    throw new StreamsError('CLIENT_REQUEST_FAILED', 'The connection broke.')
  }
  scripted.on(InitProducerId, cut)
  scripted.on(Produce, cut)
  let held = 0
  const eventLoop = {
    holdOpen: () => {
      held++
      return () => void held--
    }
  }
  const clock = new VirtualClock()
  const options = { transport: scripted, clock, random: seededRandom(1), logger: SILENT_LOGGER, eventLoop }
  const client = createKafkaClient(options)
  const during = async (promise: Promise<unknown>): Promise<void> => {
    let settled = false
    expect(held).toBe(1)
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await clock.until(() => settled, 120_000, 'the promise settles')
    expect(held).toBe(0)
  }
  await during(client.connect())
  await during(client.admin.describeTopics(['t']))
  const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1000 })
  fetcher.add({ topic: 't', partition: 0 }, 0)
  expect(held).toBe(0)
  await during(fetcher.wait(200))
  await during(client.createProducer({ maxBlockMs: 1000 }))
  scripted.on(InitProducerId, () => ({ errorCode: 0, producerId: 1n, producerEpoch: 0, throttleTimeMs: 0 }))
  const making = client.createProducer({ deliveryTimeoutMs: 60_000 })
  await during(making)
  const producer = await making
  const looking = producer.topic('t')
  await during(looking)
  const appender = await looking
  appender.append(0, null, 0, -1, Buffer.from('v'), 0, 1, 1000, NO_HEADERS)
  expect(held).toBe(0)
  await during(producer.flush())
  await during(client.close())
})
