import { StreamsError } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { expect, test } from 'vitest'
import { seededRandom, VirtualClock } from '../group/test-support/virtual-clock.ts'
import { createKafkaClient } from '../kafka-client.ts'
import { ScriptedTransport } from '../test-support/scripted-transport.ts'

const ONE = 'one:9092'

function setUp() {
  const transport = new ScriptedTransport([ONE])
  transport.brokers.set(1, ONE)
  transport.down.add(ONE)
  const clock = new VirtualClock()
  const client = createKafkaClient({
    transport,
    clock,
    random: seededRandom(3),
    logger: SILENT_LOGGER,
    retryBackoffMs: 200,
    retryBackoffMaxMs: 200
  })
  let outcome: unknown
  const connect = (options?: { readonly timeoutMs: number }): void => {
    client.connect(options).then(
      () => void (outcome = 'connected'),
      (error: unknown) => void (outcome = error)
    )
  }
  const settled = async (limitMs: number): Promise<unknown> => {
    await clock.until(() => outcome !== undefined, limitMs, 'the connection is made or given up')
    return outcome
  }
  return { transport, clock, client, connect, settled }
}

test('is made as soon as there is a broker, within the time', async () => {
  const { transport, clock, connect, settled } = setUp()
  connect({ timeoutMs: 30_000 })
  await clock.advance(20_000)
  expect(transport.connects.length).toBeGreaterThan(10)
  transport.down.delete(ONE)
  expect(await settled(2_000)).toBe('connected')
})

test('is given up after the time, with the brokers that were tried', async () => {
  const { clock, connect, settled } = setUp()
  connect({ timeoutMs: 30_000 })
  expect(await settled(31_000)).toMatchObject({
    code: 'CLIENT_CONNECT_FAILED',
    message: expect.stringContaining(ONE)
  })
  expect(clock.monotonicMs()).toBeGreaterThan(29_000)
})

test('is tried once when no time is given, and where trying again does not help', async () => {
  const once = setUp()
  once.connect()
  expect(await once.settled(100)).toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })

  const refused = setUp()
  refused.transport.connect = async () => {
    throw new StreamsError('CLIENT_AUTHENTICATION_FAILED', 'wrong password')
  }
  refused.connect({ timeoutMs: 30_000 })
  expect(await refused.settled(100)).toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
})

test('is given up when the client is closed', async () => {
  const { clock, client, connect, settled } = setUp()
  connect({ timeoutMs: 30_000 })
  await clock.advance(5_000)
  await client.close()
  expect(await settled(500)).toMatchObject({ code: 'CLIENT_CLOSED' })
})
