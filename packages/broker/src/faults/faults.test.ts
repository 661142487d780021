import {
  CreateTopics,
  EndTxn,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  RecordBatchBuilder,
  TxnOffsetCommit
} from '@millrace/protocol'
import { MockClock } from '@millrace/testing'
import { describe, expect, it } from 'vitest'
import { EmbeddedBroker } from '../broker.ts'
import { ErrorCode } from '../error-code.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import { WireClient } from '../test-support/wire-client.ts'

interface Rig extends AsyncDisposable {
  readonly broker: EmbeddedBroker
  readonly clock: MockClock
  connect(): WireClient
}

async function start(): Promise<Rig> {
  const clock = new MockClock(1_000_000)
  const broker = await EmbeddedBroker.start({ clock, random: seededRandom(7) })
  const connect = (): WireClient => new WireClient(broker.connect())
  const created = await connect().send(CreateTopics, 5, {
    topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000
  })
  expect(created.topics[0]?.errorCode).toBe(0)
  return { broker, clock, connect, [Symbol.asyncDispose]: () => broker.close() }
}

function produce(client: WireClient, sequence = -1, producerId = -1n) {
  const builder = new RecordBatchBuilder()
  builder.append(null, 0, -1, Buffer.from('v'), 0, 1, 1_000_000, [])
  const records = builder.build({ producerId, producerEpoch: producerId < 0n ? -1 : 0, baseSequence: sequence })
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
  return client
    .send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    .then(answer => answer.responses[0]?.partitionResponses[0])
}

async function endOffset(client: WireClient): Promise<number | undefined> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const answer = await client.send(ListOffsets, 5, { replicaId: -1, topics })
  return answer.topics[0]?.partitions[0]?.offset
}

/** Whether it settles within a few turns of the event loop. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
  return settled
}

describe('a fault', () => {
  it('fails requests of a kind, as often as it is told to, and keeps them from being served', async () => {
    await using rig = await start()
    const client = rig.connect()
    const fault = rig.broker.faults.inject({
      apis: ['Produce'],
      fault: { kind: 'fail', error: 'NOT_LEADER_OR_FOLLOWER' },
      skip: 1,
      times: 2
    })
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await produce(client))
    expect(answers.map(answer => answer?.errorCode)).toEqual([0, 6, 6, 0])
    expect(fault.hits).toBe(2)
    expect(await endOffset(client)).toBe(2)
  })

  it('delays a request or its answer by the clock, on its connection only', async () => {
    await using rig = await start()
    const { faults } = rig.broker
    const slow = rig.connect()
    faults.inject({ apis: ['Produce'], fault: { kind: 'delay', of: 'request', delayMs: 100 }, times: 1 })
    const first = produce(slow)
    expect(await settles(first)).toBe(false)
    expect(await endOffset(rig.connect())).toBe(0)
    rig.clock.advance(100)
    expect((await first)?.errorCode).toBe(0)
    faults.inject({ apis: ['Produce'], fault: { kind: 'delay', of: 'response', delayMs: [50, 100] }, times: 1 })
    const second = produce(slow)
    expect(await settles(second)).toBe(false)
    expect(await endOffset(rig.connect())).toBe(2)
    rig.clock.advance(49)
    expect(await settles(second)).toBe(false)
    rig.clock.advance(51)
    expect((await second)?.errorCode).toBe(0)
  })

  it('drops a request, or an answer, and leaves the connection silent', async () => {
    await using rig = await start()
    const { faults } = rig.broker
    for (const [of, expected] of [
      ['request', 0],
      ['response', 1]
    ] as const) {
      const client = rig.connect()
      faults.inject({ apis: ['Produce'], fault: { kind: 'drop', of }, times: 1 })
      expect(await settles(produce(client))).toBe(false)
      expect(await settles(endOffset(client))).toBe(false)
      expect(await endOffset(rig.connect())).toBe(expected)
    }
  })

  it('closes a connection before a request is served, or after', async () => {
    await using rig = await start()
    const { faults } = rig.broker
    for (const [of, expected] of [
      ['request', 0],
      ['response', 1]
    ] as const) {
      const stream = rig.broker.connect()
      const closed = new Promise(resolve => stream.once('close', resolve))
      faults.inject({ apis: ['Produce'], fault: { kind: 'disconnect', of }, times: 1 })
      void produce(new WireClient(stream))
      await closed
      expect(await endOffset(rig.connect())).toBe(expected)
    }
  })

  it('serves a request twice, which an idempotent producer does not notice', async () => {
    await using rig = await start()
    const client = rig.connect()
    const { producerId } = await client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
    rig.broker.faults.inject({ apis: ['Produce'], fault: { kind: 'duplicate' } })
    expect(await produce(client, 0, producerId)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await endOffset(client)).toBe(1)
    expect(await produce(client)).toMatchObject({ errorCode: 0, baseOffset: 2 })
  })

  it('lets a request of another connection go first, but waits no longer than it may', async () => {
    await using rig = await start()
    const [one, two] = [rig.connect(), rig.connect()]
    rig.broker.faults.inject({ apis: ['Produce'], fault: { kind: 'reorder', maxWaitMs: 500 }, times: 1 })
    const held = produce(one)
    expect(await settles(held)).toBe(false)
    expect(await produce(two)).toMatchObject({ baseOffset: 0 })
    expect(await held).toMatchObject({ baseOffset: 1 })
    rig.broker.faults.inject({ apis: ['Produce'], fault: { kind: 'reorder', maxWaitMs: 500 }, times: 1 })
    const alone = produce(one)
    expect(await settles(alone)).toBe(false)
    rig.clock.advance(500)
    expect(await alone).toMatchObject({ baseOffset: 2 })
  })

  it('sees what is asked, and by whom', async () => {
    await using rig = await start()
    const client = rig.connect()
    rig.broker.faults.inject({
      fault: { kind: 'fail', error: 'COORDINATOR_NOT_AVAILABLE' },
      when: ({ api, version, clientId, body }) =>
        api === 'FindCoordinator' && version === 2 && clientId === 'wire' && body.key === 'mine'
    })
    const find = async (key: string) => (await client.send(FindCoordinator, 2, { key, keyType: 0 })).errorCode
    expect([await find('mine'), await find('other')]).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE, 0])
  })

  it('comes by chance, which the broker was given', async () => {
    const sequence = async () => {
      await using rig = await start()
      const client = rig.connect()
      rig.broker.faults.inject({ fault: { kind: 'fail', error: 'UNKNOWN_SERVER_ERROR' }, probability: 0.5 })
      const errors = []
      for (let i = 0; i < 20; i++) errors.push((await client.send(Metadata, 13, { topics: [] })).errorCode)
      return errors
    }
    const errors = await sequence()
    expect(new Set(errors)).toEqual(new Set([0, -1]))
    expect(await sequence()).toEqual(errors)
  })

  it('meets others: the first that was injected is around the rest', async () => {
    await using rig = await start()
    const client = rig.connect()
    rig.broker.faults.inject({ apis: ['Produce'], fault: { kind: 'delay', of: 'response', delayMs: 10 } })
    rig.broker.faults.inject({ apis: ['Produce'], fault: { kind: 'fail', error: 'KAFKA_STORAGE_ERROR' } })
    const answer = produce(client)
    expect(await settles(answer)).toBe(false)
    rig.clock.advance(10)
    expect((await answer)?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('ends with its block, or when all are cleared', async () => {
    await using rig = await start()
    const client = rig.connect()
    const fail = { apis: ['Produce'], fault: { kind: 'fail', error: 'KAFKA_STORAGE_ERROR' } } as const
    {
      using fault = rig.broker.faults.inject(fail)
      expect((await produce(client))?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(fault.hits).toBe(1)
    }
    expect((await produce(client))?.errorCode).toBe(0)
    rig.broker.faults.inject(fail)
    rig.broker.faults.clear()
    expect((await produce(client))?.errorCode).toBe(0)
  })

  it('is refused when it makes no sense', async () => {
    await using rig = await start()
    const { faults } = rig.broker
    const fault = { kind: 'fail', error: 'NOT_COORDINATOR' } as const
    for (const rule of [
      { fault, apis: ['Prodcue'] },
      { fault, apis: ['ApiVersions'] },
      { fault: { kind: 'fail', error: 'NO_SUCH_ERROR' } as const },
      { fault, probability: 2 },
      { fault, times: -1 }
    ]) {
      expect(() => faults.inject(rule)).toThrow(expect.objectContaining({ code: 'BROKER_FAULT_INVALID' }))
    }
  })
})

describe('a restart', () => {
  it('ends connections and keeps what was acknowledged, an open transaction too', async () => {
    await using rig = await start()
    const stream = rig.broker.connect()
    const closed = new Promise(resolve => stream.once('close', resolve))
    const before = new WireClient(stream)
    await produce(before)
    const partition = { partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }
    const topics = [{ name: 't', partitions: [partition] }]
    await before.send(OffsetCommit, 8, { groupId: 'g', memberId: '', topics })
    const producer = await before.send(InitProducerId, 4, { transactionalId: 'id', transactionTimeoutMs: 60_000 })
    const { producerId, producerEpoch } = producer
    const identity = { transactionalId: 'id', producerId, producerEpoch }
    const later = [{ name: 't', partitions: [{ ...partition, committedOffset: 9 }] }]
    await before.send(TxnOffsetCommit, 5, { ...identity, groupId: 'g', topics: later })

    const restarted = rig.broker.restart({ downMs: 1000 })
    await closed
    expect(await settles(restarted)).toBe(false)
    rig.clock.advance(1000)
    await restarted

    const after = rig.connect()
    expect(await endOffset(after)).toBe(1)
    const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }]
    const committed = async (requireStable: boolean) =>
      (await after.send(OffsetFetch, 8, { groups, requireStable })).groups[0]?.topics[0]?.partitions[0]
    expect(await committed(false)).toMatchObject({ committedOffset: 5, metadata: 'm' })
    expect(await committed(true)).toMatchObject({ errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT })
    expect(await after.send(EndTxn, 5, { ...identity, committed: true })).toMatchObject({ errorCode: 0 })
    expect(await committed(true)).toMatchObject({ committedOffset: 9, errorCode: 0 })
  })

  it('takes the port that it had', async () => {
    await using broker = await EmbeddedBroker.start({ port: 0 })
    const { address } = broker
    await broker.restart()
    expect(broker.address).toEqual(address)
    const client = WireClient.dial(broker.bootstrap)
    expect((await client.send(Metadata, 12, { topics: [] })).brokers).toHaveLength(1)
    client.close()
  })
})
