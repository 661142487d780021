import { StreamsError } from '@millrace/streams/core'
import { type Clock, type KafkaAdmin, SILENT_LOGGER } from '@millrace/streams/ports'
import { describe, expect, it } from 'vitest'
import { createAdmin } from './index.ts'
import { ScriptedCluster, type SentRequest } from './test-support/scripted-cluster.ts'

/** Time that jumps to the next timer: waits cost nothing, and deadlines still hold. */
function jumpingClock(): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer: (delayMs, callback) => {
      nowMs += delayMs
      queueMicrotask(callback)
      return () => {}
    }
  }
}

function adminOver(cluster: ScriptedCluster): KafkaAdmin {
  return createAdmin({ cluster, clock: jumpingClock(), random: () => 0.5, logger: SILENT_LOGGER })
}

const UNKNOWN_SERVER_ERROR = -1
const lost = new StreamsError('CLIENT_REQUEST_FAILED', 'the connection broke')
const TOPIC = { name: 't', partitionCount: 1, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } }
const created = (errorCode: number, errorMessage: string | null = null, name = 't') => ({
  name,
  errorCode,
  errorMessage
})

describe('creating topics', () => {
  it('asks the controller, again after it moved, and only for what is not there yet', async () => {
    const cluster = new ScriptedCluster((_request, index) =>
      index === 0 ? { topics: [created(0), created(41, null, 'u')] } : { topics: [created(36, null, 'u')] }
    )
    for (const name of ['t', 'u']) cluster.leaders.set(name, [0])
    const results = await adminOver(cluster).createTopics([TOPIC, { ...TOPIC, name: 'u' }])
    expect(results).toEqual(
      new Map([
        ['t', 'created'],
        ['u', 'exists']
      ])
    )
    expect(
      cluster.sent.map(({ target, body }) => [target, body.topics.map((each: { name: string }) => each.name)])
    ).toEqual([
      [{ controller: true }, ['t', 'u']],
      [{ controller: true }, ['u']]
    ])
    expect(cluster.forgotten).toEqual([{ controller: true }])
    expect(cluster.sent[0]?.body.topics[0].configs).toEqual([{ name: 'cleanup.policy', value: 'compact' }])
  })

  it.each([
    [38, 'TOPIC_CREATE_FAILED', 'INVALID_REPLICATION_FACTOR'],
    [44, 'TOPIC_CREATE_FAILED', 'POLICY_VIOLATION'],
    [37, 'TOPIC_CREATE_FAILED', 'INVALID_PARTITIONS'],
    [29, 'CLIENT_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED']
  ])('fails at once on error %i, with the topic and the broker’s words', async (errorCode, code, kafkaError) => {
    const cluster = new ScriptedCluster(() => ({ topics: [created(errorCode, 'Because I say so.')] }))
    const error: unknown = await adminOver(cluster)
      .createTopics([TOPIC])
      .catch((each: unknown) => each)
    expect(error).toMatchObject({ code, details: { topic: 't', kafkaError } })
    expect(String(error)).toContain("topic 't' failed")
    expect(String(error)).toContain('Because I say so')
    expect(cluster.sent).toHaveLength(1)
  })

  it('returns when the brokers know what was created, which a loaded one does late', async () => {
    const cluster = new ScriptedCluster(() => ({ topics: [created(0)] }))
    let looks = 0
    const topics = cluster.topics.bind(cluster)
    cluster.topics = names => {
      if (++looks === 4) cluster.leaders.set('t', [0])
      return topics(names)
    }
    await adminOver(cluster).createTopics([TOPIC])
    expect(looks).toBe(4)
  })

  it('names a topic that was created and never became known', async () => {
    const cluster = new ScriptedCluster(() => ({ topics: [created(0)] }))
    await expect(adminOver(cluster).createTopics([TOPIC])).rejects.toMatchObject({
      code: 'TOPIC_CREATE_FAILED',
      message: expect.stringContaining("Topic 't' was created")
    })
  })

  it('gives up after a minute of an error that should have passed', async () => {
    const cluster = new ScriptedCluster(() => ({ topics: [created(7, 'timed out')] }))
    await expect(adminOver(cluster).createTopics([TOPIC])).rejects.toMatchObject({ code: 'TOPIC_CREATE_FAILED' })
    expect(cluster.sent.length).toBeGreaterThan(30)
  })
})

/** Answers each partition with ten times its number, or with an error where the test says so. */
function offsetsAnswer({ body }: SentRequest, errorOf: (partition: number) => number = () => 0): unknown {
  return {
    topics: body.topics.map((topic: { name: string; partitions: { partitionIndex: number }[] }) => ({
      name: topic.name,
      partitions: topic.partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorOf(partitionIndex),
        offset: partitionIndex * 10,
        lowWatermark: 0
      }))
    }))
  }
}

const at = (partition: number, when: 'earliest' | 'latest' | number = 'latest') => ({ topic: 't', partition, at: when })

describe('asking leaders', () => {
  it('sends one request to each, and puts the answers in the order of the questions', async () => {
    const cluster = new ScriptedCluster(request => offsetsAnswer(request))
    cluster.leaders.set('t', [1, 2, 1])
    const found = await adminOver(cluster).listOffsets([at(2), at(1, 'earliest'), at(0, 77)], 'read_committed')
    expect(found.map(({ partition, offset }) => [partition, offset])).toEqual([
      [2, 20],
      [1, 10],
      [0, 0]
    ])
    expect(cluster.sent.map(({ target }) => target)).toEqual([{ nodeId: 1 }, { nodeId: 2 }])
    expect(cluster.sent[0]?.body).toMatchObject({
      isolationLevel: 1,
      topics: [
        {
          partitions: [
            { partitionIndex: 2, timestamp: -1, currentLeaderEpoch: 1 },
            { partitionIndex: 0, timestamp: 77 }
          ]
        }
      ]
    })
    expect(cluster.sent[1]?.body.topics[0].partitions[0].timestamp).toBe(-2)
  })

  it.each([3, 5, 6, 74, 75])(
    'follows a leader that moved (error %i), asking only for what is missing',
    async errorCode => {
      const cluster = new ScriptedCluster((request, index) =>
        offsetsAnswer(request, partition => (index === 0 && partition === 1 ? errorCode : 0))
      )
      cluster.leaders.set('t', [1, 1])
      cluster.onRefresh = () => cluster.leaders.set('t', [1, 2])
      const found = await adminOver(cluster).listOffsets([at(0), at(1)], 'read_uncommitted')
      expect(found.map(({ offset }) => offset)).toEqual([0, 10])
      expect(cluster.sent.map(({ target }) => target)).toEqual([{ nodeId: 1 }, { nodeId: 2 }])
      expect(cluster.sent[1]?.body.topics[0].partitions).toHaveLength(1)
    }
  )

  it('waits for a partition that has no leader at present', async () => {
    const cluster = new ScriptedCluster(request => offsetsAnswer(request))
    cluster.leaders.set('t', [-1])
    cluster.onRefresh = () => {
      if (cluster.refreshCount === 3) cluster.leaders.set('t', [5])
    }
    await adminOver(cluster).deleteRecords([{ topic: 't', partition: 0, offset: 4 }])
    expect(cluster.sent.map(({ api, target }) => [api, target])).toEqual([['DeleteRecords', { nodeId: 5 }]])
  })

  it('comes through when any one request is lost', async () => {
    for (let broken = 0; broken < 4; broken++) {
      const cluster = new ScriptedCluster((request, index) => (index === broken ? lost : offsetsAnswer(request)))
      cluster.leaders.set('t', [1, 2, 3])
      const found = await adminOver(cluster).listOffsets([at(0), at(1), at(2)], 'read_committed')
      expect(found.map(({ offset }) => offset)).toEqual([0, 10, 20])
      // What was answered is not asked again.
      expect(cluster.sent).toHaveLength(broken < 3 ? 4 : 3)
    }
  })

  it('asks two questions about one partition in two requests', async () => {
    const cluster = new ScriptedCluster(request => offsetsAnswer(request))
    cluster.leaders.set('t', [1])
    await adminOver(cluster).listOffsets([at(0, 'earliest'), at(0, 'latest')], 'read_committed')
    expect(cluster.sent.map(({ body }) => body.topics[0].partitions.length)).toEqual([1, 1])
  })

  it('says which policy forbids that records are deleted', async () => {
    const cluster = new ScriptedCluster(request => offsetsAnswer(request, () => 44))
    cluster.leaders.set('t', [1])
    await expect(adminOver(cluster).deleteRecords([{ topic: 't', partition: 0, offset: 4 }])).rejects.toMatchObject({
      code: 'TOPIC_CONFIG_MISMATCH'
    })
  })
})

const input = [{ topic: 't', partition: 3 }]
const committed = (errorCode: number, committedOffset = 8) => [
  { name: 't', partitions: [{ partitionIndex: 3, errorCode, committedOffset, metadata: 'm' }] }
]

describe('fetching offsets', () => {
  it('understands the answers up to version 7 and from 8 on, and sends what both need', async () => {
    for (const answer of [
      { errorCode: 0, topics: committed(0), groups: [] },
      { errorCode: 0, topics: [], groups: [{ groupId: 'g', errorCode: 0, topics: committed(0) }] }
    ]) {
      const cluster = new ScriptedCluster(() => answer)
      const found = await adminOver(cluster).fetchOffsets('g', input, { requireStable: true })
      expect(found).toEqual([{ topic: 't', partition: 3, offset: 8, metadata: 'm' }])
      const topics = [{ name: 't', partitionIndexes: [3] }]
      expect(cluster.sent[0]?.body).toEqual({
        groupId: 'g',
        topics,
        groups: [{ groupId: 'g', topics }],
        requireStable: true
      })
    }
  })

  it('waits for as long as a transaction holds them, beyond a minute, and tells each time', async () => {
    const cluster = new ScriptedCluster((_request, index) => ({
      errorCode: 0,
      topics: committed(index < 200 ? 88 : 0),
      groups: []
    }))
    let waits = 0
    const found = await adminOver(cluster).fetchOffsets('g', input, { requireStable: true, onUnstable: () => waits++ })
    expect(found[0]?.offset).toBe(8)
    expect(waits).toBe(200)
  })

  it('ends at the caller’s time-out with an error that names the partition', async () => {
    const cluster = new ScriptedCluster(() => ({ errorCode: 0, topics: committed(88), groups: [] }))
    await expect(
      adminOver(cluster).fetchOffsets('g', input, { requireStable: true, timeoutMs: 3_000 })
    ).rejects.toMatchObject({ code: 'GROUP_OFFSETS_UNSTABLE', details: { groupId: 'g', topic: 't', partition: 3 } })
  })

  it.each([14, 15, 16])('looks for the coordinator again on error %i', async errorCode => {
    const cluster = new ScriptedCluster((_request, index) => ({
      errorCode: index === 0 ? errorCode : 0,
      topics: committed(0),
      groups: []
    }))
    await adminOver(cluster).fetchOffsets('g', input, { requireStable: false })
    expect(cluster.forgotten).toEqual([{ groupCoordinator: 'g' }])
  })

  it('refuses to read unstable offsets from a broker that cannot tell', async () => {
    const cluster = new ScriptedCluster(() => ({ errorCode: 0, topics: committed(0), groups: [] }))
    cluster.version = 6
    const fetching = adminOver(cluster).fetchOffsets('g', input, { requireStable: true })
    await expect(fetching).rejects.toMatchObject({ code: 'CLIENT_UNSUPPORTED_VERSION' })
    expect(cluster.sent).toEqual([])
  })

  it('is -1 for a partition without, and for a group that does not exist', async () => {
    const none = new ScriptedCluster(() => ({ errorCode: 0, topics: [], groups: [] }))
    expect((await adminOver(none).fetchOffsets('g', input, { requireStable: false }))[0]).toMatchObject({
      offset: -1,
      metadata: ''
    })
    const unknown = new ScriptedCluster(() => ({ groups: [{ groupId: 'g', errorCode: 69, topics: [] }] }))
    expect((await adminOver(unknown).fetchOffsets('g', input, { requireStable: false }))[0]?.offset).toBe(-1)
  })
})

describe('an error that the broker did not expect', () => {
  const listed = (errorCode: number) => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 3, errorCode, offset: 8, leaderEpoch: 0 }] }]
  })
  const asks: readonly [string, (admin: KafkaAdmin) => Promise<unknown>, (errorCode: number) => object][] = [
    [
      'OffsetFetch',
      admin => admin.fetchOffsets('g', input, { requireStable: false }),
      errorCode => ({ errorCode, topics: committed(0), groups: [] })
    ],
    [
      'OffsetFetch for a partition',
      admin => admin.fetchOffsets('g', input, { requireStable: false }),
      errorCode => ({ errorCode: 0, topics: committed(errorCode), groups: [] })
    ],
    ['ListOffsets', admin => admin.listOffsets([{ topic: 't', partition: 3, at: 'latest' }], 'read_committed'), listed]
  ]

  it.each(asks)('passes as an answer to %s, and is told of once', async (_name, ask, answer) => {
    const cluster = new ScriptedCluster((_request, index) => answer(index < 3 ? UNKNOWN_SERVER_ERROR : 0))
    cluster.leaders.set('t', [0, 0, 0, 0])
    const warnings: string[] = []
    const logger = { ...SILENT_LOGGER, warn: (message: string) => void warnings.push(message) }
    const found = await ask(createAdmin({ cluster, clock: jumpingClock(), random: () => 0.5, logger }))
    expect(found).toMatchObject([{ topic: 't', partition: 3, offset: 8 }])
    expect(warnings).toEqual([expect.stringMatching(/tried again/)])
  })

  it.each(asks)('ends %s after a minute of it', async (_name, ask, answer) => {
    const cluster = new ScriptedCluster(() => answer(UNKNOWN_SERVER_ERROR))
    cluster.leaders.set('t', [0, 0, 0, 0])
    await expect(ask(adminOver(cluster))).rejects.toMatchObject({ details: { kafkaError: 'UNKNOWN_SERVER_ERROR' } })
    expect(cluster.sent.length).toBeGreaterThan(50)
    expect(cluster.sent.length).toBeLessThan(80)
  })
})

describe('groups', () => {
  it('that do not exist are described as dead, and deleting them is fine', async () => {
    const cluster = new ScriptedCluster(({ api }) =>
      api === 'DescribeGroups'
        ? { groups: [{ errorCode: 69, groupState: 'Dead', members: [] }] }
        : { results: [{ groupId: 'g', errorCode: 69 }] }
    )
    expect(await adminOver(cluster).describeGroup('g')).toEqual({ groupId: 'g', state: 'Dead', members: [] })
    await adminOver(cluster).deleteGroup('g')
  })

  it('with members cannot be deleted, and the error says what to do', async () => {
    const cluster = new ScriptedCluster(() => ({ results: [{ groupId: 'g', errorCode: 68 }] }))
    const deleting = adminOver(cluster).deleteGroup('g')
    await expect(deleting).rejects.toMatchObject({ code: 'GROUP_NOT_EMPTY' })
    await expect(deleting).rejects.toThrow(/Stop its members first/)
  })
})
