// An application over a broker that misbehaves: what it counts is exact all the same.
import { EmbeddedBroker, type FaultRule } from '@millrace/broker'
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { expect, test, vi } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const RECORD_COUNT = 4000
const numbers = { key: string(), value: json<number>() }

/** Answers that get lost on their way, and errors that a busy cluster gives; each is sure to be met. */
const certain = (seed: number): readonly FaultRule[] => [
  { apis: ['EndTxn'], fault: { kind: 'disconnect', of: 'response' }, skip: seed - 1, times: 1 },
  { apis: ['EndTxn'], fault: { kind: 'fail', error: 'CONCURRENT_TRANSACTIONS' }, times: 2 },
  { apis: ['TxnOffsetCommit'], fault: { kind: 'fail', error: 'COORDINATOR_LOAD_IN_PROGRESS' }, times: 2 },
  { apis: ['Produce'], fault: { kind: 'disconnect', of: 'response' }, skip: seed - 1, times: 2 },
  { apis: ['Produce'], fault: { kind: 'fail', error: 'NOT_LEADER_OR_FOLLOWER' }, skip: seed + 3, times: 2 }
]

const BY_CHANCE: readonly FaultRule[] = [
  { apis: ['EndTxn', 'Produce'], fault: { kind: 'disconnect', of: 'response' }, probability: 0.1 },
  { apis: ['Fetch', 'Heartbeat'], fault: { kind: 'disconnect', of: 'request' }, probability: 0.05 },
  { apis: ['OffsetFetch'], fault: { kind: 'duplicate' }, probability: 0.5 },
  { fault: { kind: 'delay', of: 'response', delayMs: [0, 10] }, probability: 0.2 }
]

test.each([1, 2])(
  'counts exactly once over lost answers, errors, a fence, a lost session and a restart (seed %i)',
  async seed => {
    await using broker = await EmbeddedBroker.start({ port: 0, random: seededRandom(seed) })
    await using cluster = await TestCluster.open(broker.bootstrap)
    await cluster.createTopics(2, 'in', 'out')
    const values = Array.from({ length: RECORD_COUNT }, (_, i) => ({ key: `k${i % 5}`, value: '1', partition: i % 2 }))
    await cluster.produce('in', values)

    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .groupBy(key => key, numbers)
      .count({ store: 'counts' })
      .toStream()
      .to(cluster.name('out'), numbers)
    const app = new Millrace(builder.build(), {
      ...cluster.options,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0,
      commitIntervalMs: 5
    })
    const injected = certain(seed).map(rule => broker.faults.inject(rule))
    for (const rule of BY_CHANCE) broker.faults.inject(rule)
    const seen = { transactionalId: '', memberId: '' }
    const ends = broker.faults.inject({
      apis: ['EndTxn', 'TxnOffsetCommit'],
      fault: { kind: 'delay', of: 'request', delayMs: 0 },
      when: ({ api, body }) => {
        Object.assign(seen, api === 'EndTxn' ? { transactionalId: body.transactionalId } : { memberId: body.memberId })
        return api === 'EndTxn'
      }
    })
    const done = app.run({ until: 'end' })
    // In the middle, where there is something to lose.
    await vi.waitUntil(() => ends.hits >= 2, { timeout: 10_000, interval: 1 })
    expect(broker.fenceProducer(seen.transactionalId)).toBe(true)
    await vi.waitUntil(() => ends.hits >= 4, { timeout: 10_000, interval: 1 })
    expect(broker.expireSession(cluster.applicationId, seen.memberId)).toBe(true)
    await vi.waitUntil(() => ends.hits >= 6, { timeout: 10_000, interval: 1 })
    await broker.restart({ downMs: 50 })
    await done
    broker.faults.clear()
    expect(injected.map(({ hits }) => hits > 0)).toEqual(injected.map(() => true))

    const counted = new Map<string, number[]>()
    for (const { key, value } of await cluster.read('out')) {
      counted.set(key, [...(counted.get(key) ?? []), Number(value)])
    }
    const expected = Array.from({ length: RECORD_COUNT / 5 }, (_, i) => i + 1)
    expect(counted).toEqual(new Map(['k0', 'k1', 'k2', 'k3', 'k4'].map(key => [key, expected])))
  }
)

function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** Copies a topic, with commits that are late enough to be the last. */
function copying(cluster: TestCluster, options: Partial<MillraceOptions>): Millrace {
  const builder = new StreamsBuilder()
  builder.stream(cluster.name('in'), numbers).to(cluster.name('out'), numbers)
  return new Millrace(builder.build(), { ...cluster.options, commitIntervalMs: 5_000, ...options })
}

test.each(['exactly_once', 'at_least_once'] as const)(
  'a commit that the group refuses on closing is repeated once the group is joined anew (%s)',
  async processingGuarantee => {
    await using broker = await EmbeddedBroker.start({ port: 0, groupInitialRebalanceDelayMs: 0 })
    await using cluster = await TestCluster.open(broker.bootstrap)
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', [{ key: 'k', value: '1' }])
    const app = copying(cluster, { processingGuarantee })
    await app.start()
    await vi.waitUntil(async () => (await app.metrics()).processedRecords === 1, { timeout: 10_000, interval: 5 })
    const refused = broker.faults.inject({
      apis: ['TxnOffsetCommit', 'OffsetCommit'],
      fault: { kind: 'fail', error: 'ILLEGAL_GENERATION' },
      times: 1
    })
    await app.close({ timeoutMs: 10_000 })
    expect(refused.hits).toBe(1)
    expect(app.state).toBe('NOT_RUNNING')
    expect(await cluster.committed('in')).toEqual([1])
    expect(await cluster.read('out')).toHaveLength(1)
  }
)

test('close() beside a broker that is gone ends in its time, and says what is done again', async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, groupInitialRebalanceDelayMs: 0 })
  await using cluster = await TestCluster.open(broker.bootstrap)
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce('in', [{ key: 'k', value: '1' }])
  const warnings: string[] = []
  const logger = { ...cluster.options.logger, warn: (message: string) => void warnings.push(message) }
  const apps = (['exactly_once', 'at_least_once'] as const).map(processingGuarantee =>
    copying(cluster, { processingGuarantee, applicationId: `${cluster.applicationId}-${processingGuarantee}`, logger })
  )
  for (const app of apps) {
    await app.start()
    await vi.waitUntil(async () => (await app.metrics()).processedRecords === 1, { timeout: 10_000, interval: 5 })
  }
  broker.faults.inject({
    fault: { kind: 'disconnect', of: 'request' },
    when: ({ clientId }) => clientId?.startsWith(`${cluster.applicationId}-`) ?? false
  })
  await Promise.all(apps.map(app => app.close({ timeoutMs: 7_500 })))
  expect(apps.map(({ state }) => state)).toEqual(['NOT_RUNNING', 'NOT_RUNNING'])
  expect(warnings.filter(message => message.includes('processed again'))).toHaveLength(2)
})
