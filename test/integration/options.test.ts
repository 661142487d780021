// What each option changes, as a broker sees it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EmbeddedBroker, type FaultedRequest } from '@millrace/broker'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { kafkaClient, keyValueStore, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { readOptionGroups } from '../../scripts/docs/configuration-page.ts'
import { TestCluster } from './test-cluster.ts'

interface Seen extends FaultedRequest {
  readonly atMs: number
}

const SOON = { timeout: 10_000, interval: 5 }
const texts = { key: string(), value: string() }

/** A broker, topics `in`, `in2`, `out` of one partition, and every request that is sent to it. */
async function opened(partitionCount = 1) {
  const broker = await EmbeddedBroker.start({ port: 0, groupInitialRebalanceDelayMs: 0 })
  const cluster = await TestCluster.open(broker.bootstrap)
  onTestFinished(async () => {
    await cluster.close()
    await broker.close()
  })
  await cluster.createTopics(partitionCount, 'in', 'in2', 'out')
  const seen: Seen[] = []
  broker.faults.inject({
    fault: { kind: 'delay', of: 'request', delayMs: 0 },
    when: request => {
      // The test's own clients have other names.
      if (request.clientId === cluster.applicationId) seen.push({ ...request, atMs: performance.now() })
      return false
    }
  })
  const of = (api: string): Seen[] => seen.filter(request => request.api === api)
  const bodies = (api: string): any[] => of(api).map(({ body }) => body)
  return { broker, cluster, of, bodies }
}

type Opened = Awaited<ReturnType<typeof opened>>

/** Copies `in` to `out`; regrouped and counted on the way if wished. */
async function started({ cluster }: Opened, options: Partial<MillraceOptions>, counted = false): Promise<Millrace> {
  const builder = new StreamsBuilder()
  const input = builder.stream(cluster.name('in'), texts)
  if (counted) {
    const counts = input.groupBy((_key, value) => value, texts).count({ store: 'counts' })
    counts.toStream().mapValues(String).to(cluster.name('out'), texts)
  } else input.to(cluster.name('out'), texts)
  return await startedWith(cluster, builder, options)
}

async function startedWith(
  cluster: TestCluster,
  builder: StreamsBuilder,
  options: Partial<MillraceOptions>
): Promise<Millrace> {
  const app = new Millrace(builder.build(), { ...cluster.options, ...options })
  onTestFinished(() => app.close())
  await app.start()
  return app
}

const partitionsOf = (fetch: any): any[] => fetch.topics.flatMap((topic: any) => topic.partitions)
const recordsOf = (produce: any): Buffer[] =>
  produce.topicData.flatMap((topic: any) => topic.partitionData.map(({ records }: any) => records))
/** As the third to last bits of a batch's attributes say: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
const codecs = (produces: any[]): Map<string, Set<number>> => {
  const found = new Map<string, Set<number>>()
  for (const { topicData } of produces) {
    for (const { name, partitionData } of topicData) {
      for (const { records } of partitionData) {
        const codec = records.readInt16BE(21) & 7
        found.set(name, (found.get(name) ?? new Set()).add(codec))
      }
    }
  }
  return found
}

describe('consumer', () => {
  test('its limits and the rack are in every fetch of inputs and changelogs', async () => {
    const opening = await opened()
    const consumer = { fetchMinBytes: 17, fetchMaxWaitMs: 123, fetchMaxBytes: 54_321, maxPartitionFetchBytes: 4_321 }
    await started(opening, { consumer, clientRack: 'zone-7' })
    await vi.waitUntil(() => opening.of('Fetch').length > 2, SOON)
    // Partitions that came late are asked for with a shorter wait.
    expect(Math.max(...opening.bodies('Fetch').map(({ maxWaitMs }) => maxWaitMs))).toBe(123)
    for (const body of opening.bodies('Fetch')) {
      expect(body).toMatchObject({ minBytes: 17, maxBytes: 54_321, rackId: 'zone-7' })
      for (const { partitionMaxBytes } of partitionsOf(body)) expect(partitionMaxBytes).toBe(4_321)
    }
  })

  test('inputBufferBytes bounds an answer', async () => {
    const opening = await opened()
    await started(opening, { inputBufferBytes: 1_000_000 })
    await vi.waitUntil(() => opening.of('Fetch').length > 0, SOON)
    expect(opening.bodies('Fetch')[0].maxBytes).toBe(1_000_000)
  })

  test.each([
    ['earliest', ['0', '1', '2']],
    ['latest', ['2']]
  ] as const)('autoOffsetReset %s', async (autoOffsetReset, values) => {
    const opening = await opened()
    const { cluster } = opening
    await cluster.produce('in', [{ value: '0' }, { value: '1' }])
    await started(opening, { autoOffsetReset, commitIntervalMs: 10 })
    await cluster.produce('in', [{ value: '2' }])
    await vi.waitUntil(async () => (await cluster.read('out')).at(-1)?.value === '2', SOON)
    expect((await cluster.read('out')).map(({ value }) => value)).toEqual(values)
  })

  test('maxTaskIdleMs waits that much longer for an input without records', async () => {
    const opening = await opened()
    const { cluster, of } = opening
    const builder = new StreamsBuilder()
    const [one, other] = ['in', 'in2'].map(topic => builder.stream(cluster.name(topic), texts))
    one!.merge(other!).to(cluster.name('out'), texts)
    await startedWith(cluster, builder, { maxTaskIdleMs: 700 })
    const beginMs = performance.now()
    await cluster.produce('in', [{ value: 'v' }])
    await vi.waitUntil(() => of('Produce').length > 0, SOON)
    expect(of('Produce')[0]!.atMs - beginMs).toBeGreaterThan(690)
  })
})

describe('producer', () => {
  test('compression is of all topics, compressionByTopic of single ones', async () => {
    const opening = await opened()
    const { cluster, bodies } = opening
    const changelog = `${cluster.applicationId}-counts-changelog`
    const repartition = `${cluster.applicationId}-counts-repartition`
    const compressionByTopic = { [cluster.name('out')]: 'zstd', [changelog]: 'none' } as const
    const value = 'a'.repeat(1000)
    await started(opening, { producer: { compression: 'gzip', compressionByTopic }, cacheBytes: 0 }, true)
    await cluster.produce(
      'in',
      Array.from({ length: 20 }, () => ({ value }))
    )
    await vi.waitUntil(async () => (await cluster.read('out')).length >= 20, SOON)
    const found = codecs(bodies('Produce'))
    expect(found.get(cluster.name('out'))).toEqual(new Set([4]))
    expect(found.get(repartition)).toEqual(new Set([1]))
    expect(found.get(changelog)).toEqual(new Set([0]))
  })

  test('lingerMs keeps a batch back', async () => {
    const opening = await opened()
    const { cluster, of } = opening
    await started(opening, { producer: { lingerMs: 600 } })
    const beginMs = performance.now()
    await cluster.produce('in', [{ value: 'v' }])
    await vi.waitUntil(() => of('Produce').length > 0, SOON)
    expect(of('Produce')[0]!.atMs - beginMs).toBeGreaterThan(590)
  })

  test('batchBytes and maxRequestBytes bound batches and requests', async () => {
    const opening = await opened(4)
    const { cluster, bodies } = opening
    await cluster.produce(
      'in',
      Array.from({ length: 400 }, (_, i) => ({ value: 'v'.repeat(100), partition: i % 4 }))
    )
    await started(opening, { producer: { batchBytes: 1500, maxRequestBytes: 4000 } })
    await vi.waitUntil(async () => (await cluster.read('out')).length === 400, SOON)
    const produced = bodies('Produce')
    expect(Math.max(...produced.flatMap(recordsOf).map(({ length }) => length))).toBeLessThanOrEqual(1500)
    const sizes = produced.map(body => recordsOf(body).reduce((sum, { length }) => sum + length, 0))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4000)
    expect(produced.length).toBeGreaterThan((400 * 100) / 4000)
  })

  test('bufferBytes holds processing back while brokers do not answer', async () => {
    const opening = await opened()
    const { broker, cluster, of } = opening
    const value = 'v'.repeat(1000)
    for (let i = 0; i < 20; i++) await cluster.produce('in', Array(20).fill({ value }))
    const held = broker.faults.inject({ apis: ['Produce'], fault: { kind: 'delay', of: 'request', delayMs: 400 } })
    const app = await started(opening, {
      producer: { bufferBytes: 20_000, batchBytes: 10_000 },
      inputBufferBytes: 50_000
    })
    await vi.waitUntil(() => of('Produce').length > 0, SOON)
    expect((await app.metrics()).processedRecords).toBeLessThan(200)
    expect(of('Produce').length).toBeLessThan(5)
    held.remove()
    await vi.waitUntil(async () => (await cluster.read('out')).length === 400, SOON)
  })

  test('deliveryTimeoutMs, with requestTimeoutMs below it, gives records up', async () => {
    const opening = await opened()
    const { broker, cluster, bodies } = opening
    broker.faults.inject({
      apis: ['Produce'],
      fault: { kind: 'fail', error: 'NOT_ENOUGH_REPLICAS' },
      when: ({ clientId }) => clientId === cluster.applicationId
    })
    const warnings: string[] = []
    const logger = { ...SILENT_LOGGER, warn: (message: string) => void warnings.push(message) }
    await cluster.produce('in', [{ value: 'v' }])
    const options = { producer: { deliveryTimeoutMs: 900 }, requestTimeoutMs: 800, logger }
    await started(opening, options).catch(() => {})
    await vi.waitUntil(() => warnings.some(text => text.includes('not acknowledged within 900 ms')), SOON)
    expect(bodies('Produce')[0].timeoutMs).toBe(800)
  })

  test('maxBlockMs bounds the start of transactions', async () => {
    const opening = await opened()
    opening.broker.faults.inject({
      apis: ['InitProducerId'],
      fault: { kind: 'fail', error: 'COORDINATOR_LOAD_IN_PROGRESS' }
    })
    const beginMs = performance.now()
    const options = { processingGuarantee: 'exactly_once', producer: { maxBlockMs: 300 } } as const
    await expect(started(opening, options)).rejects.toMatchObject({ code: 'CLIENT_REQUEST_TIMED_OUT' })
    expect(performance.now() - beginMs).toBeLessThan(8_000)
  })
})

describe('connection', () => {
  test('requestTimeoutMs gives a request up', async () => {
    const { broker } = await opened()
    broker.faults.inject({ apis: ['ListOffsets'], fault: { kind: 'drop', of: 'request' }, times: 1 })
    const kafka = kafkaClient({ brokers: [broker.bootstrap], requestTimeoutMs: 200, logger: SILENT_LOGGER })
    const beginMs = performance.now()
    await kafka.admin.describeTopics()
    const [topic] = [...(await kafka.admin.describeTopics()).keys()]
    await kafka.admin.listOffsets([{ topic: topic!, partition: 0, at: 'latest' }], 'read_committed')
    expect(performance.now() - beginMs).toBeGreaterThan(190)
    expect(performance.now() - beginMs).toBeLessThan(10_000)
    await kafka.close()
  })

  test('retryBackoffMs and retryBackoffMaxMs are between attempts', async () => {
    const opening = await opened()
    const { broker, of } = opening
    broker.faults.inject({ apis: ['Fetch'], fault: { kind: 'fail', error: 'NOT_LEADER_OR_FOLLOWER' } })
    await started(opening, { retryBackoffMs: 200, retryBackoffMaxMs: 300 })
    await vi.waitUntil(() => of('Fetch').length >= 5, SOON)
    const times = of('Fetch').map(({ atMs }) => atMs)
    const gaps = times.slice(1).map((atMs, i) => atMs - times[i]!)
    expect(Math.min(...gaps)).toBeGreaterThan(200 * 0.8 - 10)
    // Without a longest wait, the fourth would be 1,600 ms.
    expect(gaps[3]).toBeLessThan(1_200)
  })

  test('connectionsMaxIdleMs closes what is not in use', async () => {
    await using broker = await EmbeddedBroker.start({ port: 0 })
    const kafka = kafkaClient({ brokers: [broker.bootstrap], connectionsMaxIdleMs: 150, logger: SILENT_LOGGER })
    await kafka.connect()
    expect(broker.connectionCount).toBe(1)
    await vi.waitUntil(() => broker.connectionCount === 0, SOON)
    await kafka.admin.describeTopics()
    expect(broker.connectionCount).toBe(1)
    await kafka.close()
  })

  test('metadataMaxAgeMs is the age at which topics are looked up again', async () => {
    const opening = await opened()
    await started(opening, { metadataMaxAgeMs: 150 })
    const before = opening.of('Metadata').length
    await vi.waitUntil(() => opening.of('Metadata').length >= before + 4, SOON)
  })

  test('kafka.clientId names the client, and the application where it is not given', async () => {
    const opening = await opened()
    const names = new Set<string | null>()
    opening.broker.faults.inject({
      fault: { kind: 'delay', of: 'request', delayMs: 0 },
      when: ({ clientId }) => names.add(clientId) && false
    })
    await started(opening, { kafka: { clientId: 'me' } as never })
    expect(names).toContain('me')
    expect(opening.of('JoinGroup')).toEqual([])
  })
})

describe('group and transactions', () => {
  test('time-outs, names and ids are in the requests to the coordinators', async () => {
    const opening = await opened()
    const { cluster, bodies, of } = opening
    await started(opening, {
      processingGuarantee: 'exactly_once',
      commitIntervalMs: 30,
      transactionTimeoutMs: 54_000,
      sessionTimeoutMs: 7_000,
      heartbeatIntervalMs: 40,
      rebalanceTimeoutMs: 8_000,
      groupInstanceId: 'one-7'
    })
    const { applicationId: groupId } = cluster
    const group = { groupId, groupInstanceId: 'one-7' }
    expect(bodies('JoinGroup')[0]).toMatchObject({ ...group, sessionTimeoutMs: 7_000, rebalanceTimeoutMs: 8_000 })
    expect(bodies('InitProducerId')[0]).toMatchObject({ transactionTimeoutMs: 54_000 })
    expect(bodies('InitProducerId')[0].transactionalId).toContain(groupId)
    await vi.waitUntil(() => of('Heartbeat').length >= 5, SOON)
    expect(bodies('Heartbeat')[0]).toMatchObject(group)
    await cluster.produce('in', [{ value: '1' }])
    await vi.waitUntil(() => of('EndTxn').length >= 1, SOON)
    expect(bodies('TxnOffsetCommit')[0]).toMatchObject(group)
  })

  test('commitIntervalMs is between two commits', async () => {
    const opening = await opened()
    const { cluster, of } = opening
    await started(opening, { commitIntervalMs: 400 })
    for (const value of ['1', '2', '3']) {
      const before = of('OffsetCommit').length
      await cluster.produce('in', [{ value }])
      await vi.waitUntil(() => of('OffsetCommit').length > before, SOON)
    }
    const times = of('OffsetCommit').map(({ atMs }) => atMs)
    expect(times[1]! - times[0]!).toBeGreaterThan(380)
  })

  test('stateMemoryBytes makes a commit early', async () => {
    const opening = await opened()
    const { cluster, of } = opening
    const builder = new StreamsBuilder()
    builder.addStateStore(keyValueStore('big', texts))
    const put = () => ({
      init(context: any) {
        this.store = context.getStateStore('big')
      },
      store: undefined as any,
      process({ key, value }: any) {
        this.store.put(key, value)
      }
    })
    builder.stream(cluster.name('in'), texts).process(put as never, { stores: ['big'] })
    await startedWith(cluster, builder, { stateMemoryBytes: 1024 * 1024, cacheBytes: 0, commitIntervalMs: 60_000 })
    const value = 'v'.repeat(4000)
    await cluster.produce(
      'in',
      Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value }))
    )
    await vi.waitUntil(() => of('OffsetCommit').length > 0, SOON)
  })
})

describe('internal topics', () => {
  test('replicationFactor and internalTopicConfigs are what they are created with; a store’s own go before', async () => {
    const opening = await opened()
    const { cluster, bodies } = opening
    const builder = new StreamsBuilder()
    const counts = builder.stream(cluster.name('in'), texts).groupBy((_key, value) => value, texts)
    counts.count({ store: 'counts', changelog: { 'segment.bytes': '3000000' } })
    const internalTopicConfigs = { 'segment.bytes': '2000000', 'min.insync.replicas': '1' }
    await startedWith(cluster, builder, { replicationFactor: 1, internalTopicConfigs })
    const created = new Map<string, any>(
      bodies('CreateTopics').flatMap(({ topics }) =>
        topics.map(({ name, replicationFactor, configs }: any) => [
          name.slice(cluster.applicationId.length + 1),
          { replicationFactor, ...Object.fromEntries(configs.map((each: any) => [each.name, each.value])) }
        ])
      )
    )
    const all = { replicationFactor: 1, 'min.insync.replicas': '1' }
    expect(created.get('counts-changelog')).toMatchObject({ ...all, 'segment.bytes': '3000000' })
    expect(created.get('counts-repartition')).toMatchObject({ ...all, 'segment.bytes': '2000000' })
    expect(created.get('millrace-topology-changelog')).toMatchObject({ ...all, 'segment.bytes': '2000000' })
  })

  test('repartitionPurgeIntervalMs is how often their records are deleted', async () => {
    const opening = await opened()
    const { cluster, of } = opening
    await started(opening, { repartitionPurgeIntervalMs: 100, commitIntervalMs: 20 }, true)
    // With a commit, and only then, there is something to delete.
    while (of('DeleteRecords').length === 0) await cluster.produce('in', [{ value: '1' }])
  })
})

test('every option is shown to have an effect, here or in the test that is named', () => {
  const elsewhere: Readonly<Record<string, string>> = {
    brokers: 'test/integration/brokers.kafka.test.ts',
    cacheBytes: 'test/integration/record-cache.kafka.test.ts',
    onTopologyChange: 'test/integration/topology-changes.kafka.test.ts',
    onDeserializationError: 'test/integration/bad-records.kafka.test.ts',
    onProcessingError: 'test/integration/bad-records.kafka.test.ts',
    onProductionError: 'test/integration/bad-records.kafka.test.ts',
    deadLetterTopic: 'test/integration/bad-records.kafka.test.ts',
    stateDir: 'test/integration/state-directory.kafka.test.ts',
    handleSignals: 'test/integration/closing.kafka.test.ts',
    restoreListener: 'test/integration/restart.kafka.test.ts',
    ssl: 'packages/transport-kafkajs/src/sasl-options.test.ts',
    sasl: 'packages/transport-kafkajs/src/sasl-session.test.ts',
    connectionTimeout: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    authenticationTimeout: 'packages/transport-kafkajs/src/sasl-session.test.ts',
    reauthenticationThreshold: 'packages/transport-kafkajs/src/sasl-session.test.ts',
    requestTimeout: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    enforceRequestTimeout: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    retry: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    socketFactory: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    logLevel: 'packages/transport-kafkajs/src/kafkajs-options.test.ts',
    logCreator: 'packages/transport-kafkajs/src/kafkajs-options.test.ts'
  }
  const root = join(import.meta.dirname, '../..')
  const here = 'test/integration/options.test.ts'
  const options = readOptionGroups(root).flatMap(group => group.options.map(({ name }) => name))
  const unproven = options.filter(
    name => !new RegExp(`\\b${name}\\b`).test(readFileSync(join(root, elsewhere[name] ?? here), 'utf8'))
  )
  expect(unproven).toEqual([])
})
