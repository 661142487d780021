// Brokers that are not there, or go away for a while.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedBroker } from '@millrace/broker'
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../scripts/free-ports.ts'
import type { RunningBroker } from '../../scripts/running-broker.ts'
import { startBroker } from '../../scripts/start-broker.ts'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }
const poll = { timeout: 60_000, interval: 200 }

function counting(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), numbers)
  return new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
}

describe('brokers that cannot be reached', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', numbers).to('out', numbers)
  const unreachable = (
    brokers: string[],
    kafka = {},
    warn: (message: string) => void = () => {},
    options: Partial<MillraceOptions> = {}
  ) =>
    new Millrace(builder.build(), {
      applicationId: 'unreachable',
      kafka: { brokers, ...kafka },
      handleSignals: false,
      logger: { debug() {}, info() {}, warn, error() {} },
      ...options
    })

  test('are all named by a warning within seconds, and by start() and run() when they stay away', async () => {
    const brokers = (await freePorts(2)).map(port => `127.0.0.1:${port}`)
    const allNamed = expect.stringMatching(new RegExp(`(?=.*${brokers[0]})(?=.*${brokers[1]}).*ECONNREFUSED`))
    const began = performance.now()
    const warned: string[] = []
    const app = unreachable(brokers, {}, message => warned.push(message))
    const running = unreachable(brokers)
    const failed = Promise.allSettled([app.start(), running.run({ until: 'end' })])
    await expect.poll(() => warned, poll).toEqual([allNamed])
    expect(performance.now() - began).toBeLessThan(10_000)
    const expected = { reason: { code: 'CLIENT_CONNECT_FAILED', message: allNamed } }
    expect(await failed).toMatchObject([expected, expected])
    expect(app.state).toBe('ERROR')
    expect(warned).toHaveLength(1)
  }, 90_000)

  test('and come up a moment later are no error', async () => {
    const [port = 0] = await freePorts(1)
    const warned = Promise.withResolvers<void>()
    const stateDir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
    const app = unreachable([`127.0.0.1:${port}`], {}, () => warned.resolve(), { stateDir })
    const starting = app.start()
    await warned.promise
    await using broker = await EmbeddedBroker.start({ port })
    await using client = await TestCluster.open(broker.bootstrap)
    await client.client.admin.createTopics(
      ['in', 'out'].map(name => ({ name, partitionCount: 1, replicationFactor: 1, configs: {} }))
    )
    await starting
    expect(app.state).toBe('RUNNING')
    await app.close()
    await rm(stateDir, { recursive: true })
  })

  test('because the name is unknown are named', async () => {
    const app = unreachable(['no-such-host.invalid:9092'])
    await expect(app.kafka.connect()).rejects.toMatchObject({
      code: 'CLIENT_CONNECT_FAILED',
      message: expect.stringContaining('no-such-host.invalid:9092')
    })
    await app.close()
  })

  test('because they accept and never answer are named', async () => {
    const server = createServer(socket => socket.on('error', () => {}))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const app = unreachable([`127.0.0.1:${port}`], { requestTimeout: 1_000 })
    await expect(app.kafka.connect()).rejects.toMatchObject({
      code: expect.stringMatching(/^CLIENT_(CONNECT_FAILED|REQUEST_TIMED_OUT)$/),
      message: expect.stringContaining(`127.0.0.1:${port}`)
    })
    server.close()
  })

  test('do not keep close() waiting', async () => {
    const server = createServer(socket => socket.on('error', () => {}))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const app = unreachable([`127.0.0.1:${port}`], { requestTimeout: 2_000 })
    const starting = app.start().catch((error: unknown) => error)
    await app.close({ timeoutMs: 15_000 })
    expect(app.state).toMatch(/^(NOT_RUNNING|ERROR)$/)
    await starting
    server.close()
  })
})

describe('a broker that goes away in the middle and comes back', () => {
  let broker: RunningBroker
  beforeAll(async () => {
    broker = await startBroker()
  }, 120_000)
  afterAll(() => broker.stop())

  async function countsOf(cluster: TestCluster): Promise<Map<string, number[]>> {
    const counts = new Map<string, number[]>()
    for (const { key, value } of await cluster.read('out')) counts.set(key, [...(counts.get(key) ?? []), Number(value)])
    return counts
  }

  test.each([
    ['exactly_once', 'SIGTERM', 30_000],
    ['exactly_once', 'SIGKILL', 30_000],
    // The session is over when it is back.
    ['exactly_once', 'SIGKILL', 6_000],
    ['at_least_once', 'SIGKILL', 6_000]
  ] as const)('costs nothing (%s, %s, session of %i ms)', async (processingGuarantee, signal, sessionTimeoutMs) => {
    await using cluster = await TestCluster.open(broker.brokers)
    await cluster.createTopics(2, 'in', 'out')
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
    const round = keys.map(key => ({ key, value: '1' }))
    const errors: string[] = []
    const app = counting(cluster, {
      processingGuarantee,
      sessionTimeoutMs,
      commitIntervalMs: 200,
      logger: { ...cluster.options.logger, error: message => void errors.push(message) }
    })
    await app.start()
    await cluster.produce('in', round)
    await expect.poll(async () => (await cluster.read('out')).length, poll).toBe(50)
    // It dies in the middle of a transaction.
    await cluster.produce('in', round)
    await broker.restart(signal)
    await cluster.produce('in', round)
    const lowest = async () => Math.min(...[...(await countsOf(cluster)).values()].map(counts => Math.max(...counts)))
    await expect.poll(lowest, poll).toBeGreaterThanOrEqual(3)
    expect(app.error).toBeUndefined()
    await expect.poll(() => app.state, poll).toBe('RUNNING')
    await app.close()
    expect(errors).toEqual([])
    if (processingGuarantee === 'exactly_once') {
      expect(await countsOf(cluster)).toEqual(new Map(keys.map(key => [key, [1, 2, 3]])))
    }
  })
})
