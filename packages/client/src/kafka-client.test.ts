import { ApiVersions, Fetch, InitProducerId, Metadata, Produce } from '@millrace/protocol'
import { NO_HEADERS, StreamsError } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { describe, expect, test } from 'vitest'
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

describe('options', () => {
  const client = createKafkaClient({
    transport: new ScriptedTransport(['one:9092']),
    clock: new VirtualClock(),
    random: seededRandom(1),
    logger: SILENT_LOGGER
  })
  const reading = { isolation: 'read_committed', maxBufferedBytes: 1000 }
  const nothing = (): void => {}
  const listener = { onRevoked: nothing, onAssigned: nothing, onLost: nothing, onFatal: nothing }
  const group = {
    groupId: 'g',
    topics: () => [],
    assignor: { name: 'a', userData: nothing, assign: nothing },
    listener
  }

  test.each([
    [undefined, 'CONFIG_INVALID', /createFetcher\(\) takes an object/],
    [{ isolation: 'read_committed', maxBufferdBytes: 1000 }, 'CONFIG_UNKNOWN_OPTION', /'maxBufferedBytes'\?/],
    [{ isolation: 'read_committed' }, 'CONFIG_INVALID', /'maxBufferedBytes' is undefined/],
    [{ ...reading, isolation: 'read_comitted' }, 'CONFIG_INVALID', /'isolation' is "read_comitted"/],
    [{ maxBufferedBytes: 1000 }, 'CONFIG_INVALID', /'isolation' is undefined; it must be 'read_committed'/],
    [{ ...reading, maxWaitMs: 'a' }, 'CONFIG_INVALID', /'maxWaitMs' is "a"/],
    [{ ...reading, minBytes: 0 }, 'CONFIG_INVALID', /'minBytes' is 0/],
    [{ ...reading, freesRead: 1 }, 'CONFIG_INVALID', /'freesRead' is 1/]
  ])('of a fetcher such as %o are refused', (options, code, message) => {
    expect(() => client.createFetcher(options as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) })
    )
  })

  test.each([
    [{ ...group, sessionTimeoutMS: 1 }, 'CONFIG_UNKNOWN_OPTION', /'sessionTimeoutMs'\?/],
    [{ ...group, groupId: '' }, 'CONFIG_INVALID', /'groupId' is ""/],
    [{ ...group, groupId: undefined }, 'CONFIG_INVALID', /'groupId' is undefined/],
    [{ ...group, sessionTimeoutMs: -1 }, 'CONFIG_INVALID', /'sessionTimeoutMs' is -1/],
    [{ ...group, sessionTimeoutMs: 10, heartbeatIntervalMs: 10 }, 'CONFIG_INVALID', /the session ends/],
    [{ ...group, topics: ['t'] }, 'CONFIG_INVALID', /'topics' is \["t"\]; it must be a function/],
    [{ ...group, assignor: undefined }, 'CONFIG_INVALID', /'assignor' is undefined/],
    [{ ...group, listener: { ...listener, onLost: undefined } }, 'CONFIG_INVALID', /the methods onRevoked, .*onLost/]
  ])('of a group such as %o are refused', (options, code, message) => {
    expect(() => client.joinGroup(options as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) })
    )
  })

  test('of a producer are refused before anything is connected', async () => {
    await expect(client.createProducer({ lingerMs: -1 })).rejects.toThrow(/'lingerMs' is -1/)
    await expect(client.createProducer({ deliveryTimeoutMs: 1000 })).rejects.toThrow(/requestTimeoutMs, 30000/)
  })
})
