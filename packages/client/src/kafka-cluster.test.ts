import { ApiVersions, Fetch, FindCoordinator, ListOffsets, Metadata } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { describe, expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { seededRandom, VirtualClock } from './group/test-support/virtual-clock.ts'
import { createCluster } from './kafka-cluster.ts'
import { ScriptedTransport } from './test-support/scripted-transport.ts'

const ONE = 'one:9092'
const TWO = 'two:9092'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const NO_OFFSETS = { replicaId: -1, isolationLevel: 0, topics: [], timeoutMs: 0 }

function setUp(bootstrap: readonly string[] = [ONE]) {
  const transport = new ScriptedTransport(bootstrap)
  transport.brokers.set(1, ONE).set(2, TWO)
  transport.on(ListOffsets, () => ({ topics: [] }))
  const clock = new VirtualClock()
  const random = seededRandom(7)
  const cluster = createCluster({ transport, clock, random, logger: SILENT_LOGGER })
  return { transport, clock, cluster }
}

/** The outcome of a promise that virtual time brings about. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let done = false
  const mark = (): void => {
    done = true
  }
  promise.then(mark, mark)
  await clock.until(() => done, 120_000, 'the promise settles')
  return await promise
}

const ask = (cluster: Cluster, nodeId: number, lane?: string) =>
  cluster.request({ nodeId }, ListOffsets, NO_OFFSETS, lane === undefined ? {} : { lane })

describe('finding brokers', () => {
  test('tries every address given until one answers', async () => {
    const { transport, clock, cluster } = setUp(['gone:1', 'gone:2', ONE])
    transport.down.add('gone:1').add('gone:2')
    await settled(clock, cluster.refresh([]))
    expect(transport.connects).toContain(ONE)
  })

  test('names every broker tried when none answers', async () => {
    const { transport, clock, cluster } = setUp(['gone:1', 'gone:2'])
    transport.down.add('gone:1').add('gone:2')
    const error = await settled(clock, cluster.refresh([])).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })
    expect(String(error)).toContain('gone:1')
    expect(String(error)).toContain('gone:2')
  })

  test('reports refused credentials rather than the unreachable broker beside them', async () => {
    const { transport, clock, cluster } = setUp(['gone:1', ONE])
    const connect = transport.connect.bind(transport)
    transport.down.add('gone:1')
    transport.connect = async address => {
      if (address.host === 'one') throw new StreamsError('CLIENT_AUTHENTICATION_FAILED', 'wrong password')
      return await connect(address)
    }
    await expect(settled(clock, cluster.refresh([]))).rejects.toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
  })

  test('starts again from the addresses given when all known brokers are gone', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    transport.stop(ONE)
    transport.stop(TWO)
    transport.brokers.clear()
    transport.brokers.set(5, 'five:9092')
    transport.bootstrapAddresses = ['five:9092']
    await settled(clock, cluster.refresh([]))
    await settled(clock, ask(cluster, 5))
    expect(transport.requests.at(-1)).toMatchObject({ api: 'ListOffsets', broker: 'five:9092' })
  })

  test('answers requests that were under way through an address that is no broker’s own', async () => {
    const { transport, clock, cluster } = setUp(['way-in:9092'])
    transport.on(FindCoordinator, async () => {
      // Metadata tells the real addresses meanwhile.
      await new Promise(resolve => clock.setTimer(50, () => resolve(undefined)))
      return { coordinators: [{ key: 'g', nodeId: 2, host: 'two', port: 9092, errorCode: 0, errorMessage: null }] }
    })
    const found = cluster.request({ groupCoordinator: 'g' }, ListOffsets, NO_OFFSETS)
    const refreshed = cluster.refresh([])
    await settled(clock, Promise.all([found, refreshed]))
    expect(transport.open.find(({ broker }) => broker === 'way-in:9092')?.connected).toBe(false)
  })

  test('gives up waiting for addresses that nobody gives after the request time-out, and at once when it is closed', async () => {
    const { transport, clock, cluster } = setUp()
    transport.bootstrap = () => new Promise(() => {})
    const before = clock.monotonicMs()
    await expect(settled(clock, cluster.refresh([]))).rejects.toMatchObject({
      code: 'CLIENT_CONNECT_FAILED',
      message: expect.stringContaining('requestTimeoutMs, 30000')
    })
    expect(clock.monotonicMs() - before).toBeLessThan(31_000)
    const waiting = cluster.refresh([]).catch((cause: unknown) => cause)
    await clock.advance(1_000)
    await cluster.close()
    expect(await waiting).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('fails a request to a node that the cluster does not have', async () => {
    const { clock, cluster } = setUp()
    await expect(settled(clock, ask(cluster, 9))).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })
  })
})

describe('versions', () => {
  test('are the highest that both sides know, and no higher than asked', async () => {
    const { transport, clock, cluster } = setUp()
    transport.maxVersions.set(ListOffsets, 6)
    expect(await settled(clock, cluster.versionFor({ nodeId: 1 }, ListOffsets))).toBe(6)
    expect(await cluster.versionFor({ nodeId: 1 }, ListOffsets, { maxVersion: 4 })).toBe(4)
    expect(await cluster.versionFor({ nodeId: 1 }, Fetch)).toBe(Fetch.maxVersion)
  })

  test('of a broker too old are refused by name', async () => {
    const { transport, clock, cluster } = setUp()
    transport.maxVersions.set(ListOffsets, 0)
    const error = await settled(clock, ask(cluster, 1)).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'CLIENT_UNSUPPORTED_VERSION', details: { api: 'ListOffsets' } })
  })

  test('too old for what a request is for are refused, with both ranges', async () => {
    const { transport, clock, cluster } = setUp()
    transport.maxVersions.set(ListOffsets, 3)
    const asked = cluster.versionFor({ nodeId: 1 }, ListOffsets, { minVersion: 4 })
    const error: unknown = await settled(clock, asked).catch((cause: unknown) => cause)
    expect(error).toMatchObject({
      code: 'CLIENT_UNSUPPORTED_VERSION',
      message: expect.stringMatching(
        /ListOffsets is needed in version 4 to \d+, but broker \S+ speaks 1 to 3\. Use brokers of Kafka/
      ),
      details: { minVersion: 4, brokerMinVersion: 1, brokerMaxVersion: 3 }
    })
  })

  test('are asked for in an older form when the broker does not know the newest', async () => {
    const { transport, clock, cluster } = setUp()
    const apiKeys = [ApiVersions, Metadata, ListOffsets].map(({ key }) => ({
      apiKey: key,
      minVersion: 0,
      maxVersion: 2
    }))
    const seen: number[] = []
    const connect = transport.connect.bind(transport)
    transport.connect = async address => {
      const connection = await connect(address)
      const send = connection.send.bind(connection)
      connection.send = async frame => {
        if (frame.apiKey === ApiVersions.key) {
          seen.push(frame.apiVersion)
          // Version 0: UNSUPPORTED_VERSION, and ApiVersions' own range.
          if (frame.apiVersion > 2) return Buffer.from([0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 2])
        }
        return await send(frame)
      }
      return connection
    }
    transport.on(ApiVersions, () => ({ errorCode: 0, apiKeys, throttleTimeMs: 0 }))
    expect(await settled(clock, cluster.versionFor({ any: true }, Metadata))).toBe(2)
    expect(seen).toEqual([ApiVersions.maxVersion, 2])
  })
})

describe('lanes', () => {
  test('have a connection of their own, kept from request to request', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    for (const lane of ['a', 'b', 'a', 'b']) await settled(clock, ask(cluster, 2, lane))
    expect(transport.connects.filter(broker => broker === TWO)).toHaveLength(2)
  })

  test('keep the order of the calls while their connection opens', async () => {
    const { transport, clock, cluster } = setUp()
    const order: number[] = []
    transport.on(ListOffsets, request => {
      order.push(request.timeoutMs)
      return { topics: [] }
    })
    await settled(clock, cluster.refresh([]))
    const ordered = (timeoutMs: number): Promise<unknown> =>
      cluster.request({ nodeId: 2 }, ListOffsets, { ...NO_OFFSETS, timeoutMs }, { lane: 'p' })
    const sent = [ordered(1), ordered(2)]
    // As soon as the first is answered, in the middle of others' turns.
    const later = sent[0]?.then(() => Promise.all([ordered(4), ordered(5)]))
    sent.push(ordered(3))
    await settled(clock, Promise.all([...sent, later]))
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  test('open again after a break, waiting longer from failure to failure', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, ask(cluster, 2))
    transport.stop(TWO)
    const attempts: number[] = []
    for (let attempt = 0; attempt < 6; attempt++) {
      await settled(clock, ask(cluster, 2)).catch(() => {})
      attempts.push(clock.monotonicMs())
    }
    const waits = attempts.slice(1).map((atMs, index) => atMs - (attempts[index] as number))
    expect(waits[0]).toBeLessThanOrEqual(100)
    expect(waits.at(-1)).toBeGreaterThan(500)
    expect(waits.at(-1)).toBeLessThanOrEqual(1220)
    transport.down.clear()
    await settled(clock, ask(cluster, 2))
  })

  test('that nothing was sent on for nine minutes close, and open again when they are needed', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, ask(cluster, 1, 'seldom'))
    const { length } = transport.connects
    await clock.advance(500_000)
    await settled(clock, ask(cluster, 1, 'seldom'))
    await clock.advance(500_000)
    expect(transport.open.filter(({ connected }) => !connected)).toHaveLength(1)
    expect(transport.connects).toHaveLength(length)
    await clock.advance(50_000)
    expect(transport.open.every(({ connected }) => !connected)).toBe(true)
    await settled(clock, ask(cluster, 1, 'seldom'))
    expect(transport.connects).toHaveLength(length + 1)
  })

  test('fail what is under way on them when they are closed, and nothing else', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    transport.on(ListOffsets, () => undefined)
    const other = ask(cluster, 2, 'other')
    const closed = settled(clock, ask(cluster, 2, 'closed')).catch((error: unknown) => error)
    await clock.advance(1)
    cluster.closeLane('closed')
    expect(await closed).toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
    expect(transport.open.filter(({ broker, connected }) => broker === TWO && connected)).toHaveLength(1)
    await cluster.close()
    await expect(other).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    await expect(ask(cluster, 2)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('a broker that falls silent', () => {
  const COORDINATOR = { key: 'g', nodeId: 1, host: 'one', port: 9092, errorCode: 0, errorMessage: null }
  const find = (cluster: Cluster) =>
    cluster.request({ any: true }, FindCoordinator, { key: 'g', keyType: 0, coordinatorKeys: ['g'] })

  test('is not asked what any broker can answer', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2)]))
    transport.on(FindCoordinator, () => ({ coordinators: [COORDINATOR] }) as never)
    transport.silent.add(TWO)
    const stuck = ask(cluster, 2)
    stuck.catch(() => {})
    await clock.advance(1)
    for (let i = 0; i < 20; i++) await settled(clock, find(cluster))
    expect(transport.requests.filter(({ api }) => api === 'FindCoordinator').map(({ broker }) => broker)).toEqual(
      Array.from({ length: 20 }, () => ONE)
    )
    await cluster.close()
  })

  test('on a connection of its own is not asked so on another, once it has been silent for two seconds', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2)]))
    transport.on(FindCoordinator, () => ({ coordinators: [COORDINATOR] }) as never)
    transport.silent.add(TWO)
    ask(cluster, 2, 'other').catch(() => {})
    await clock.advance(2_000)
    for (let i = 0; i < 20; i++) await settled(clock, find(cluster))
    expect(transport.requests.filter(({ api, broker }) => api === 'FindCoordinator' && broker === TWO)).toEqual([])
    await cluster.close()
  })

  test('is given up when the others say that it is gone, long before the request time-out', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2), ask(cluster, 2, 'other')]))
    transport.silent.add(TWO)
    let outcome: unknown
    ask(cluster, 2, 'other').catch((error: unknown) => {
      outcome = error
    })
    await clock.advance(9_000)
    expect(outcome).toBeUndefined()
    transport.brokers.delete(2)
    await clock.advance(2_500)
    expect(outcome).toMatchObject({ code: 'CLIENT_REQUEST_FAILED', action: 'retry' })
    expect(transport.open.filter(({ broker, connected }) => broker === TWO && connected)).toEqual([])
    // It is back.
    transport.silent.delete(TWO)
    transport.brokers.set(2, TWO)
    await settled(clock, cluster.refresh([]))
    await settled(clock, ask(cluster, 2, 'other'))
    await cluster.close()
  })

  test('is given up though the others keep someone waiting too: whoever answers anything is not silent', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2), ask(cluster, 2, 'other')]))
    // As a commit of offsets that waits for a replica on the silent broker.
    const SLOW_MS = 7
    transport.on(ListOffsets, ({ timeoutMs }) => (timeoutMs === SLOW_MS ? undefined : { topics: [] }))
    transport.silent.add(TWO)
    cluster.request({ nodeId: 1 }, ListOffsets, { ...NO_OFFSETS, timeoutMs: SLOW_MS }).catch(() => {})
    let outcome: unknown
    ask(cluster, 2, 'other').catch((error: unknown) => {
      outcome = error
    })
    const liveFor = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        await settled(clock, ask(cluster, 1, 'other'))
        await clock.advance(1_000)
      }
    }
    await liveFor(9)
    expect(outcome).toBeUndefined()
    transport.brokers.delete(2)
    await liveFor(4)
    expect(outcome).toMatchObject({ action: 'retry' })
    await cluster.close()
  })

  test('is given up though it is the first to be asked about itself', async () => {
    const { transport, clock, cluster } = setUp()
    transport.brokers.set(3, 'three:9092')
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2), ask(cluster, 3)]))
    // All fall silent; later one is well again, and another is gone.
    for (const broker of [ONE, TWO, 'three:9092']) transport.silent.add(broker)
    let outcome: unknown
    ask(cluster, 2).catch((error: unknown) => {
      outcome = error
    })
    for (const nodeId of [1, 3]) ask(cluster, nodeId).catch(() => {})
    await clock.advance(3_000)
    transport.silent.delete('three:9092')
    transport.brokers.delete(2)
    await clock.advance(20_000)
    expect(outcome).toMatchObject({ code: 'CLIENT_REQUEST_FAILED', action: 'retry' })
    await cluster.close()
  })

  test('on the connection for everything, while it answers on others, is passed over there too', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    await settled(clock, Promise.all([ask(cluster, 1), ask(cluster, 2), ask(cluster, 2, 'other')]))
    transport.on(FindCoordinator, () => ({ coordinators: [COORDINATOR] }) as never)
    const DEAD_MS = 7
    transport.on(ListOffsets, ({ timeoutMs }) => (timeoutMs === DEAD_MS ? undefined : { topics: [] }))
    cluster.request({ nodeId: 2 }, ListOffsets, { ...NO_OFFSETS, timeoutMs: DEAD_MS }).catch(() => {})
    await clock.advance(2_000)
    await settled(clock, ask(cluster, 2, 'other'))
    // Nor does the other broker's, with more under way, count for less.
    for (let i = 0; i < 3; i++)
      cluster.request({ nodeId: 1 }, ListOffsets, { ...NO_OFFSETS, timeoutMs: DEAD_MS }).catch(() => {})
    for (let i = 0; i < 20; i++) await settled(clock, find(cluster))
    expect(transport.requests.filter(({ api, broker }) => api === 'FindCoordinator' && broker === TWO)).toEqual([])
    await cluster.close()
  })

  test('may take its time for what takes long: nobody is asked about it', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    transport.on(ListOffsets, () => undefined)
    cluster.request({ nodeId: 2 }, ListOffsets, NO_OFFSETS, { lane: 'join', timeoutMs: 90_000 }).catch(() => {})
    const before = transport.count(Metadata)
    await clock.advance(50_000)
    expect(transport.count(Metadata)).toBe(before)
    await clock.advance(15_000)
    expect(transport.count(Metadata)).toBeGreaterThan(before)
    await cluster.close()
  })
})

describe('a broker that throttles', () => {
  const throttledOnce = (transport: ScriptedTransport, throttleTimeMs: number): number[] => {
    const asked: number[] = []
    transport.on(ListOffsets, ({ timeoutMs }) => {
      asked.push(timeoutMs)
      return { topics: [], throttleTimeMs: asked.length === 1 ? throttleTimeMs : 0 }
    })
    return asked
  }
  const numbered = (cluster: Cluster, timeoutMs: number, lane = 'p') =>
    cluster.request({ nodeId: 2 }, ListOffsets, { ...NO_OFFSETS, timeoutMs }, { lane })

  test('is sent nothing on that connection until the time is over, then all in order', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    const asked = throttledOnce(transport, 3_000)
    await settled(clock, numbered(cluster, 1))
    const rest = [numbered(cluster, 2), numbered(cluster, 3)]
    await settled(clock, numbered(cluster, 9, 'other'))
    await clock.advance(2_900)
    expect(asked).toEqual([1, 9])
    rest.push(numbered(cluster, 4))
    await settled(clock, Promise.all(rest))
    expect(asked).toEqual([1, 9, 2, 3, 4])
    await cluster.close()
  })

  test('on a connection that breaks meanwhile is asked again on the next', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    const asked = throttledOnce(transport, 60_000)
    await settled(clock, numbered(cluster, 1))
    const waiting = numbered(cluster, 2)
    transport.stop(TWO)
    transport.down.clear()
    const next = numbered(cluster, 3)
    await settled(clock, Promise.all([waiting, next]))
    expect(asked).toEqual([1, 2, 3])
    expect(clock.monotonicMs()).toBeLessThan(10_000)
    await cluster.close()
  })

  test('keeps nobody waiting who closes', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    throttledOnce(transport, 60_000)
    await settled(clock, numbered(cluster, 1))
    const waiting = numbered(cluster, 2)
    await cluster.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('topics', () => {
  test('are looked up once, absent when they do not exist, and never created', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('t', { topicId: TOPIC_ID, leaders: [[2, 3]] })
    const found = await settled(clock, cluster.topics(['t', 'none']))
    expect([...found.keys()]).toEqual(['t'])
    expect(found.get('t')?.topicId).toBe(TOPIC_ID)
    const before = transport.count(Metadata)
    await cluster.topics(['t'])
    expect(transport.count(Metadata)).toBe(before)
    expect(cluster.leader('t', 0)).toEqual({ nodeId: 2, leaderEpoch: 3 })
    expect(cluster.leader('t', 1)).toBeUndefined()
    expect(transport.mayCreateTopics).toBe(false)
  })

  test('just created are waited for: unknown at first, then without a leader', async () => {
    const { transport, clock, cluster } = setUp()
    clock.setTimer(150, () => transport.topics.set('new', { leaders: [[-1, 0]] }))
    clock.setTimer(700, () => transport.topics.set('new', { leaders: [[1, 0]] }))
    const found = await settled(clock, cluster.topics(['new']))
    expect(found.get('new')?.partitions[0]?.leaderId).toBe(1)
  })

  test('keep the newer leader when a broker answers with an older view, unless the topic is another', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('t', { topicId: TOPIC_ID, leaders: [[2, 5]] })
    await settled(clock, cluster.topics(['t']))
    transport.topics.set('t', { topicId: TOPIC_ID, leaders: [[1, 4]] })
    await settled(clock, cluster.refresh(['t']))
    expect(cluster.leader('t', 0)).toEqual({ nodeId: 2, leaderEpoch: 5 })
    transport.topics.set('t', { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', leaders: [[1, 0]] })
    await settled(clock, cluster.refresh(['t']))
    expect(cluster.leader('t', 0)).toEqual({ nodeId: 1, leaderEpoch: 0 })
  })

  test.each([5, -1, 7])(
    'stay as they were known when a look at them is answered with %i, which passes',
    async errorCode => {
      const { transport, clock, cluster } = setUp()
      transport.topics.set('t', { topicId: TOPIC_ID, leaders: [[2, 5]] })
      await settled(clock, cluster.topics(['t']))
      transport.topics.set('t', { errorCode, leaders: [] })
      await settled(clock, cluster.refresh(['t']))
      expect(cluster.cachedTopic('t')?.partitions).toHaveLength(1)
      expect(cluster.leader('t', 0)).toEqual({ nodeId: 2, leaderEpoch: 5 })
      expect(await settled(clock, cluster.allTopics())).toHaveLength(1)
    }
  )

  test('that brokers cannot tell of are waited for, and are not called missing', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('t', { errorCode: 5, leaders: [] })
    await expect(settled(clock, cluster.topics(['t']))).rejects.toMatchObject({
      code: 'CLIENT_REQUEST_FAILED',
      message: expect.stringContaining("'t' could not be looked up: the brokers answer LEADER_NOT_AVAILABLE")
    })
    clock.setTimer(700, () => transport.topics.set('t', { leaders: [[1, 0]] }))
    expect((await settled(clock, cluster.topics(['t']))).get('t')?.partitions).toHaveLength(1)
  })

  test('that are deleted are forgotten with the next look', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('t', { leaders: [[1, 0]] })
    await settled(clock, cluster.topics(['t']))
    transport.topics.delete('t')
    await settled(clock, cluster.refresh(['t']))
    expect(cluster.cachedTopic('t')).toBeUndefined()
  })

  test('are read anew when they are used after five minutes', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('t', { leaders: [[1, 0]] })
    await settled(clock, cluster.topics(['t']))
    transport.topics.set('t', { leaders: [[2, 1]] })
    await clock.advance(299_000)
    expect(cluster.leader('t', 0)?.nodeId).toBe(1)
    await clock.advance(2000)
    // This use starts the reading, and does not wait for it.
    expect(cluster.leader('t', 0)?.nodeId).toBe(1)
    await clock.advance(1)
    expect(cluster.leader('t', 0)?.nodeId).toBe(2)
  })

  test('of concurrent refreshes share one request, which leaves after the calls', async () => {
    const { transport, clock, cluster } = setUp()
    await settled(clock, cluster.refresh([]))
    const before = transport.count(Metadata)
    transport.topics.set('a', { leaders: [[1, 0]] }).set('b', { leaders: [[1, 0]] })
    await settled(clock, Promise.all([cluster.refresh(['a']), cluster.refresh(['b']), cluster.refresh(['a'])]))
    expect(transport.count(Metadata)).toBe(before + 1)
    expect(cluster.cachedTopic('b')).toBeDefined()
  })

  test('that this user may not see are named', async () => {
    const { transport, clock, cluster } = setUp()
    transport.topics.set('secret', { errorCode: 29, leaders: [] })
    const error = await settled(clock, cluster.topics(['secret'])).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'CLIENT_AUTHORIZATION_FAILED', details: { topic: 'secret' } })
    transport.topics.set('open', { leaders: [[1, 0]] })
    const refused = cluster.refresh(['secret']).catch((cause: unknown) => cause)
    // Shares the request, and not its error.
    await settled(clock, cluster.refresh(['open']))
    expect(await refused).toMatchObject({ code: 'CLIENT_AUTHORIZATION_FAILED' })
    expect(cluster.leader('open', 0)?.nodeId).toBe(1)
  })
})

describe('coordinators', () => {
  const coordinator = (nodeId: number, errorCode = 0) => ({
    coordinators: [{ key: 'g', nodeId, host: nodeId === 1 ? 'one' : 'two', port: 9092, errorCode, errorMessage: null }]
  })
  const askGroup = (cluster: Cluster) => cluster.request({ groupCoordinator: 'g' }, ListOffsets, NO_OFFSETS)

  test('are waited for while there is none, kept, and looked up anew when forgotten', async () => {
    const { transport, clock, cluster } = setUp()
    let lookUps = 0
    transport.on(FindCoordinator, () => coordinator(2, ++lookUps < 4 ? 15 : 0))
    await settled(clock, askGroup(cluster))
    await settled(clock, askGroup(cluster))
    expect(lookUps).toBe(4)
    expect(transport.requests.at(-1)?.broker).toBe(TWO)
    transport.on(FindCoordinator, () => coordinator(1))
    cluster.forgetCoordinator({ groupCoordinator: 'g' })
    await settled(clock, askGroup(cluster))
    expect(transport.requests.at(-1)?.broker).toBe(ONE)
  })

  test('that cannot be reached are forgotten', async () => {
    const { transport, clock, cluster } = setUp()
    transport.on(FindCoordinator, () => coordinator(2))
    await settled(clock, askGroup(cluster))
    transport.stop(TWO)
    await settled(clock, askGroup(cluster)).catch(() => {})
    transport.on(FindCoordinator, () => coordinator(1))
    await settled(clock, askGroup(cluster))
    expect(transport.requests.at(-1)?.broker).toBe(ONE)
  })

  test('are found with older brokers, whose answer is the coordinator itself', async () => {
    const { transport, clock, cluster } = setUp()
    transport.maxVersions.set(FindCoordinator, 2)
    transport.on(FindCoordinator, ({ key }) => ({
      errorCode: 0,
      errorMessage: null,
      nodeId: key === 'g' ? 2 : 1,
      host: 'two',
      port: 9092
    }))
    await settled(clock, askGroup(cluster))
    expect(transport.requests.at(-1)?.broker).toBe(TWO)
  })

  test('of a group that this user may not use are refused, naming it', async () => {
    const { transport, clock, cluster } = setUp()
    transport.on(FindCoordinator, () => coordinator(-1, 30))
    await expect(settled(clock, askGroup(cluster))).rejects.toThrow(/group 'g'.*CLIENT_AUTHORIZATION_FAILED/)
  })

  test('that never come are given up after the request time-out', async () => {
    const { transport, clock, cluster } = setUp()
    transport.on(FindCoordinator, () => coordinator(-1, 15))
    await expect(settled(clock, askGroup(cluster))).rejects.toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
    expect(clock.monotonicMs()).toBeGreaterThan(25_000)
  })
})
