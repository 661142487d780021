import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
  AlterConfigs,
  type Api,
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  Fetch,
  IncrementalAlterConfigs,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
  RecordBatchBuilder,
  type RequestOf,
  type ResponseOf,
  ZERO_UUID
} from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WireClient } from '../test-support/wire-client.ts'
import { eventually, openSides, prepare, type Side } from './test-support/side.ts'

// The same requests go to real Kafka and to the embedded broker. What differs by nature is named by `normal`.

const prefix = `diff-topics-${randomBytes(4).toString('hex')}`
const topic = `${prefix}-a`
const compacted = `${prefix}-compacted`
const missing = `${prefix}-missing`
const T0 = Date.now() - 60_000
let sides: readonly [Side, Side]
let clients: readonly [WireClient, WireClient]
const ids: [string, string] = ['', '']
/** What Kafka has answered with success it shows some moments later, once its log of metadata is read. */
const READS: ReadonlySet<Api> = new Set<Api>([DescribeConfigs, Metadata])
const PATIENCE_MS = 5000
/** An id that nobody has. */
const STRANGER = 'xxxxxxxxxxxxxxxxxxxxxA'

beforeAll(async () => {
  sides = await openSides()
  for (const side of sides) await prepare(side, [topic])
  clients = [WireClient.dial(sides[0].address), WireClient.dial(sides[1].address)]
  await same(
    CreateTopics,
    7,
    () => ({
      topics: [newTopic(compacted, { configs: [{ name: 'cleanup.policy', value: 'compact' }] })],
      timeoutMs: 30_000
    }),
    bare
  )
  for (const [i, client] of clients.entries()) {
    await eventually(async () => {
      const answer = await client.send(Metadata, 12, { topics: [{ name: topic }, { name: compacted }] })
      ids[i as 0 | 1] = answer.topics[0]!.topicId
      return answer.topics.every(({ partitions }) => (partitions[0]?.leaderId ?? -1) >= 0)
    })
  }
})

afterAll(async () => {
  for (const client of clients ?? []) {
    await client.send(DeleteTopics, 5, { topicNames: [topic, compacted], timeoutMs: 30_000 })
    client.close()
  }
  for (const side of sides ?? []) await side.close()
})

type Normal<A extends Api> = (answer: ResponseOf<A>) => unknown

/** Asks both and compares. Returns the embedded broker's answer. */
async function same<A extends Api>(
  api: A,
  version: number,
  request: (side: 0 | 1) => RequestOf<A>,
  normal: Normal<A> = answer => answer
): Promise<ResponseOf<A>> {
  const embedded = await clients[1].send(api, version, request(1))
  const mine = plain(normal(embedded), ids[1])
  const ask = async (): Promise<unknown> => plain(normal(await clients[0].send(api, version, request(0))), ids[0])
  let kafkas = await ask()
  const givenUpMs = performance.now() + PATIENCE_MS
  while (READS.has(api) && !isDeepStrictEqual(mine, kafkas) && performance.now() < givenUpMs) kafkas = await ask()
  expect(mine).toEqual(kafkas)
  return embedded
}

/** Ids are drawn by chance, quotas are not what is compared, and a message may be worded in another way. */
function plain(answer: unknown, id: string): unknown {
  const text = JSON.stringify(answer, (key, value: unknown) => {
    if (key === 'throttleTimeMs') return undefined
    if (key === 'errorMessage' || key === 'batchIndexErrorMessage') return value === null ? null : 'a message'
    if (key === 'topicId') return value === ZERO_UUID || value === STRANGER ? value : value === id ? 'the id' : 'an id'
    return typeof value === 'bigint' ? String(value) : value
  })
  return JSON.parse(text)
}

function without<T extends object, K extends keyof T>(object: T, ...fields: readonly K[]): Omit<T, K> {
  const rest = { ...object }
  for (const field of fields) delete rest[field]
  return rest
}

interface NewTopic {
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
  readonly configs?: { name: string; value: string | null }[]
}

function newTopic(
  name: string,
  { numPartitions = 1, replicationFactor = 1, assignments = [], configs = [] }: NewTopic
) {
  return { name, numPartitions, replicationFactor, assignments, configs }
}

function batch(values: readonly (string | null)[], options: Parameters<RecordBatchBuilder['build']>[0] = {}): Buffer {
  const builder = new RecordBatchBuilder()
  for (const [i, value] of values.entries()) {
    const bytes = value === null ? null : Buffer.from(value)
    builder.append(Buffer.from(`k${i}`), 0, 2, bytes, 0, bytes?.length ?? -1, T0 + i, [])
  }
  return builder.build(options)
}

function produced(records: Buffer | null, name = topic, index = 0) {
  return { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData: [{ index, records }] }] }
}

/** Settings are compared by themselves. */
function bare({ topics }: ResponseOf<typeof CreateTopics>) {
  return topics.map(created => without(created, 'configs'))
}

describe('creating and deleting topics', () => {
  const cases: [string, NewTopic, string?][] = [
    ['no partitions', { numPartitions: 0 }],
    ['minus two partitions', { numPartitions: -2 }],
    ['no replica', { replicationFactor: 0 }],
    ['three replicas', { replicationFactor: 3 }],
    ['a name with a blank', {}, 'a b'],
    ['an empty name', {}, ''],
    ['a name of two dots', {}, '..'],
    ['a long name', {}, 'x'.repeat(250)],
    ['an unknown setting', { configs: [{ name: 'no.such', value: '1' }] }],
    ['a setting without value', { configs: [{ name: 'retention.ms', value: null }] }],
    ['a setting that is no number', { configs: [{ name: 'retention.ms', value: 'soon' }] }],
    ['a number out of range', { configs: [{ name: 'retention.ms', value: '-2' }] }],
    ['a policy that does not exist', { configs: [{ name: 'cleanup.policy', value: 'burn' }] }],
    ['an empty policy', { configs: [{ name: 'cleanup.policy', value: '' }] }],
    ['a segment below the least', { configs: [{ name: 'segment.bytes', value: '10' }] }],
    ['replicas by hand and a count', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
    ['a hole in replicas by hand', by([{ partitionIndex: 1, brokerIds: [1] }])],
    ['a stranger among replicas', by([{ partitionIndex: 0, brokerIds: [77] }])],
    ['replicas by hand', by([{ partitionIndex: 0, brokerIds: [1] }])],
    ['the defaults', { numPartitions: -1, replicationFactor: -1 }]
  ]
  function by(assignments: NonNullable<NewTopic['assignments']>): NewTopic {
    return { assignments, numPartitions: -1, replicationFactor: -1 }
  }

  test.each(cases)('validated with %s', async (_what, options, name = `${prefix}-v`) => {
    await same(
      CreateTopics,
      7,
      () => ({ topics: [newTopic(name, options)], timeoutMs: 9000, validateOnly: true }),
      bare
    )
    await same(CreateTopics, 4, () => ({ topics: [newTopic(name, options)], timeoutMs: 9000, validateOnly: true }))
  })

  test('twice, of the same name, and with a name that metrics cannot tell apart', async () => {
    const name = `${prefix}.one`
    await same(CreateTopics, 7, () => ({ topics: [newTopic(name, {})], timeoutMs: 9000 }), bare)
    await same(CreateTopics, 7, () => ({ topics: [newTopic(name, {})], timeoutMs: 9000 }), bare)
    await same(CreateTopics, 7, () => ({ topics: [newTopic(`${prefix}_one`, {})], timeoutMs: 9000 }), bare)
    const twice = [newTopic(`${prefix}-t`, {}), newTopic(`${prefix}-t`, {})]
    await same(CreateTopics, 7, () => ({ topics: twice, timeoutMs: 9000 }), bare)
    await same(DeleteTopics, 5, () => ({ topicNames: [name, name], timeoutMs: 9000 }))
    await same(
      DeleteTopics,
      5,
      () => ({ topicNames: [name, missing], timeoutMs: 9000 }),
      ({ responses }) => responses.toSorted((a, b) => (a.name ?? '').localeCompare(b.name ?? ''))
    )
  })

  test('deleting by id, by both, by nothing', async () => {
    for (const asked of [{ topicId: STRANGER }, { topicId: STRANGER, name: topic }, { topicId: ZERO_UUID }]) {
      await same(DeleteTopics, 6, () => ({ topics: [asked], timeoutMs: 9000 }))
    }
  })

  test('more partitions', async () => {
    const ask = (name: string, count: number, assignments: { brokerIds: number[] }[] | null = null) =>
      same(CreatePartitions, 3, () => ({
        topics: [{ name, count, assignments }],
        timeoutMs: 9000,
        validateOnly: true
      }))
    await ask(missing, 3)
    await ask(topic, 2)
    await ask(topic, 1)
    await ask(topic, 0)
    await ask(topic, 3)
    await ask(topic, 4, [{ brokerIds: [1] }])
    await ask(topic, 3, [{ brokerIds: [77] }])
    await ask(topic, 3, [{ brokerIds: [] }])
    await ask(topic, 3, [{ brokerIds: [1] }])
  })
})

describe('settings', () => {
  const TOPIC = 2
  /** The real broker that tests run against has settings of its own. */
  const own = new Set(['retention.ms', 'min.insync.replicas'])
  const sorted = ({ results }: ResponseOf<typeof DescribeConfigs>) =>
    results.map(result => ({
      ...result,
      configs: result.configs.filter(({ name }) => !own.has(name)).toSorted((a, b) => a.name.localeCompare(b.name))
    }))

  test('of topics are told alike, with their synonyms and types', async () => {
    for (const resourceName of [topic, compacted, missing, 'a b']) {
      for (const version of [1, 4]) {
        await same(
          DescribeConfigs,
          version,
          () => ({
            resources: [{ resourceType: TOPIC, resourceName, configurationKeys: null }],
            includeSynonyms: version === 4
          }),
          sorted
        )
      }
    }
    const configurationKeys = ['retention.bytes', 'no.such']
    const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys }]
    await same(DescribeConfigs, 4, () => ({ resources }), sorted)
    const strange = [{ resourceType: 4, resourceName: '77', configurationKeys: null }]
    await same(DescribeConfigs, 4, () => ({ resources: strange }), sorted)
  })

  test('of topics are changed alike, one by one', async () => {
    const cases: [string, number, string | null][] = [
      ['retention.bytes', 0, '5000'],
      ['retention.bytes', 0, null],
      ['retention.bytes', 0, 'x'],
      ['retention.bytes', 2, '1'],
      ['cleanup.policy', 2, 'compact'],
      ['cleanup.policy', 3, 'delete'],
      ['cleanup.policy', 1, null],
      ['no.such', 0, '1'],
      ['no.such', 1, null],
      ['retention.bytes', 9, '1']
    ]
    for (const [name, configOperation, value] of cases) {
      const resources = [{ resourceType: TOPIC, resourceName: topic, configs: [{ name, configOperation, value }] }]
      await same(IncrementalAlterConfigs, 1, () => ({ resources, validateOnly: false }))
      const asked = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }]
      await same(DescribeConfigs, 4, () => ({ resources: asked }), sorted)
    }
    const resource = { resourceType: TOPIC, resourceName: missing, configs: [] }
    await same(IncrementalAlterConfigs, 1, () => ({ resources: [resource], validateOnly: false }))
    await same(IncrementalAlterConfigs, 0, () => ({ resources: [resource, resource], validateOnly: false }))
    const twice = [
      { name: 'retention.bytes', configOperation: 0, value: '1' },
      { name: 'retention.bytes', configOperation: 1, value: null }
    ]
    const changes = [{ resourceType: TOPIC, resourceName: topic, configs: twice }]
    await same(IncrementalAlterConfigs, 1, () => ({ resources: changes, validateOnly: false }))
  })

  test('of topics are replaced alike', async () => {
    for (const configs of [[{ name: 'flush.ms', value: '5' }], [{ name: 'flush.ms', value: null }], []]) {
      const resources = [{ resourceType: TOPIC, resourceName: topic, configs }]
      await same(AlterConfigs, 2, () => ({ resources, validateOnly: false }))
      const asked = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }]
      await same(DescribeConfigs, 4, () => ({ resources: asked }), sorted)
    }
  })
})

describe('metadata', () => {
  const bare = (answer: ResponseOf<typeof Metadata>) => {
    const rest = without(answer, 'brokers', 'clusterId', 'controllerId')
    // Epochs of a broker that was restarted are higher.
    const topics = rest.topics.map(t => ({ ...t, partitions: t.partitions.map(p => without(p, 'leaderEpoch')) }))
    return { ...rest, topics }
  }

  test('tells of topics by name and id, in every version', async () => {
    for (let version = 0; version <= 13; version++) {
      const topics = [{ name: topic }, { name: missing }, { name: 'a b' }, { name: topic }]
      await same(
        Metadata,
        version,
        () => ({
          topics,
          allowAutoTopicCreation: false,
          includeTopicAuthorizedOperations: true,
          includeClusterAuthorizedOperations: true
        }),
        answer => ({ ...bare(answer), topics: bare(answer).topics.toSorted((a, b) => a.name!.localeCompare(b.name!)) })
      )
      if (version === 0) return
    }
  }, 20_000)

  test('tells of ids', async () => {
    for (const version of [12, 13]) {
      await same(Metadata, version, side => ({ topics: [{ topicId: ids[side], name: null }] }), bare)
      await same(Metadata, version, () => ({ topics: [{ topicId: STRANGER, name: null }] }), bare)
    }
  })

  test('tells of the cluster', async () => {
    const bareCluster = (answer: ResponseOf<typeof DescribeCluster>) => ({
      ...without(answer, 'brokers', 'clusterId', 'controllerId'),
      count: answer.brokers.length
    })
    for (const endpointType of [1, 2, 3]) {
      const asked = { includeClusterAuthorizedOperations: true, endpointType }
      await same(DescribeCluster, 1, () => asked, bareCluster)
    }
  })
})

describe('records', () => {
  const leaderless = (answer: ResponseOf<typeof ListOffsets>) =>
    answer.topics.map(t => t.partitions.map(({ leaderEpoch, ...p }) => ({ ...p, hasEpoch: leaderEpoch >= 0 })))
  const offset = (timestamp: number, partitionIndex = 0, name = topic, currentLeaderEpoch = -1) => ({
    replicaId: -1,
    topics: [{ name, partitions: [{ partitionIndex, timestamp, currentLeaderEpoch }] }]
  })
  const fetched = ({ responses, errorCode }: ResponseOf<typeof Fetch>) => ({
    errorCode,
    partitions: responses.flatMap(r => r.partitions.map(({ records, ...p }) => ({ ...p, bytes: records?.length ?? 0 })))
  })
  const fetchOf = (
    side: 0 | 1,
    fetchOffset: number,
    more: { partition?: number; isolationLevel?: number; partitionMaxBytes?: number; currentLeaderEpoch?: number } = {}
  ) => ({
    maxWaitMs: 0,
    minBytes: 1,
    isolationLevel: more.isolationLevel ?? 0,
    topics: [
      {
        topic,
        topicId: ids[side],
        partitions: [
          {
            partition: more.partition ?? 0,
            fetchOffset,
            partitionMaxBytes: more.partitionMaxBytes ?? 1 << 20,
            currentLeaderEpoch: more.currentLeaderEpoch ?? -1
          }
        ]
      }
    ]
  })

  test('of an empty partition', async () => {
    for (const timestamp of [-1, -2, -3, -4, -5, -6, -7, 0, T0]) {
      await same(ListOffsets, 11, () => offset(timestamp), leaderless)
    }
    for (const version of [1, 6, 7, 8, 9, 10]) await same(ListOffsets, version, () => offset(-3), leaderless)
    for (const version of [4, 11, 12, 17]) await same(Fetch, version, side => fetchOf(side, 0), fetched)
    await same(Fetch, 17, side => fetchOf(side, 1), fetched)
    await same(Fetch, 12, side => fetchOf(side, -1), fetched)
  })

  test('that are wrong are refused alike', async () => {
    const good = batch(['a', 'b'])
    const changed = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = Buffer.from(good)
      change(bytes)
      return bytes
    }
    const wrong: [string, Buffer | null][] = [
      ['empty', Buffer.alloc(0)],
      ['short', good.subarray(0, 40)],
      ['cut', good.subarray(0, -1)],
      ['two', Buffer.concat([good, good])],
      ['checksum', changed(bytes => bytes.writeInt8(bytes.readInt8(66) ^ 1, 66))],
      ['magic', changed(bytes => bytes.writeInt8(1, 16))],
      ['offset', changed(bytes => bytes.writeInt32BE(5, 4))],
      ['large', batch(['x'.repeat(1_100_000)])]
    ]
    for (const [what, records] of wrong) {
      const answer = await same(
        Produce,
        9,
        () => produced(records),
        ({ responses }) =>
          responses.map(r =>
            r.partitionResponses.map(({ index, errorCode, baseOffset }) => [what, index, errorCode, baseOffset])
          )
      )
      expect(answer.responses[0]!.partitionResponses[0]!.errorCode).not.toBe(0)
    }
    await same(Produce, 9, () => produced(good, missing))
    await same(Produce, 9, () => produced(good, topic, 9))
    await same(Produce, 9, () => ({ ...produced(good), acks: 7 }))
    await same(Produce, 5, () => produced(batch(['z'], { compression: 'zstd' })))
    const keyless = new RecordBatchBuilder()
    keyless.append(null, 0, -1, Buffer.from('v'), 0, 1, T0, [])
    await same(
      Produce,
      9,
      () => produced(keyless.build(), compacted),
      ({ responses }) =>
        responses[0]!.partitionResponses.map(({ errorCode, recordErrors }) => [errorCode, recordErrors.length >= 0])
    )
    await same(ListOffsets, 7, () => offset(-1), leaderless)
  })

  test('that are right get the same offsets, and are found and read alike', async () => {
    for (let version = 3; version <= 12; version++) await same(Produce, version, () => produced(batch(['a', 'b', 'c'])))
    for (const compression of ['gzip', 'zstd', 'lz4', 'snappy'] as const) {
      await same(Produce, 9, () => produced(batch(['a', 'b', 'c'], { compression })))
    }
    for (const timestamp of [-1, -2, -3, -4, -5, -6, T0 - 1, T0, T0 + 1, T0 + 2, T0 + 3]) {
      for (const isolationLevel of [0, 1]) {
        await same(ListOffsets, 11, () => ({ ...offset(timestamp), isolationLevel }), leaderless)
      }
    }
    await same(ListOffsets, 11, () => offset(-1, 9), leaderless)
    await same(ListOffsets, 11, () => offset(-1, 0, missing), leaderless)
    await same(ListOffsets, 11, () => offset(-1, 0, topic, 99), leaderless)
    for (const fetchOffset of [0, 1, 5, 6, 41, 42, 43, 1000]) {
      for (const isolationLevel of [0, 1]) {
        await same(Fetch, 17, side => fetchOf(side, fetchOffset, { isolationLevel }), fetched)
        await same(Fetch, 4, side => fetchOf(side, fetchOffset, { isolationLevel }), fetched)
        await same(Fetch, 12, side => fetchOf(side, fetchOffset, { isolationLevel, partitionMaxBytes: 150 }), fetched)
      }
      await same(Fetch, 17, side => fetchOf(side, fetchOffset, { partitionMaxBytes: 1 }), fetched)
    }
    await same(Fetch, 12, side => fetchOf(side, 0, { partition: 9 }), fetched)
    await same(Fetch, 12, side => fetchOf(side, 0, { currentLeaderEpoch: 99 }), fetched)
    await same(Fetch, 17, side => fetchOf(side, 0, { currentLeaderEpoch: 99 }), fetched)
    await same(
      Fetch,
      17,
      () => ({ ...fetchOf(0, 0), topics: [{ ...fetchOf(0, 0).topics[0]!, topicId: STRANGER }] }),
      fetched
    )
    await same(Fetch, 12, () => ({ ...fetchOf(0, 0), sessionId: 5, sessionEpoch: 1 }), fetched)
    await same(Fetch, 12, () => ({ ...fetchOf(0, 0), sessionId: 0, sessionEpoch: 4 }), fetched)
    const epochs = [
      { partition: 0, leaderEpoch: 99 },
      { partition: 9, leaderEpoch: 0 }
    ]
    await same(OffsetForLeaderEpoch, 4, () => ({ replicaId: -1, topics: [{ topic, partitions: epochs }] }))
  })

  test('of an idempotent producer: duplicates, gaps and epochs', async () => {
    const producers = [await identity(0), await identity(1)] as const
    const send = async (baseSequence: number, count = 2, epoch = 0, transactional = false) => {
      const values = Array.from({ length: count }, () => 'v')
      await same(
        Produce,
        9,
        side =>
          produced(batch(values, { ...producers[side], producerEpoch: epoch, baseSequence, transactional }), topic, 1),
        ({ responses }) => responses[0]!.partitionResponses.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])
      )
    }
    for (const first of [0, 2, 4, 6, 8, 10]) await send(first)
    for (const again of [10, 2, 0, 4, 9, 11, 13, 100]) await send(again)
    await send(10, 1)
    await send(12, 3)
    await send(15, 2, 1)
    await send(0, 2, 1)
    await send(2, 2, 0)
    await send(2, 2, 1, true)
  })

  async function identity(side: 0 | 1): Promise<{ producerId: bigint }> {
    const answer = await clients[side].send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
    return { producerId: answer.producerId }
  }

  test('are deleted alike', async () => {
    const ask = async (target: number, partitionIndex = 0, name = topic) => {
      const topics = [{ name, partitions: [{ partitionIndex, offset: target }] }]
      await same(DeleteRecords, 2, () => ({ topics, timeoutMs: 9000 }))
      await same(ListOffsets, 7, () => offset(-2), leaderless)
      await same(ListOffsets, 7, () => offset(T0), leaderless)
      // What lies below the start shows here as long as its segment is there, which may be longer in Kafka.
      if (target !== -1) await same(ListOffsets, 7, () => offset(-3), leaderless)
    }
    for (const target of [0, 4, 2, -2, 1000]) await ask(target)
    await ask(1, 9)
    await ask(1, 0, missing)
    await ask(0, 0, compacted)
    for (const fetchOffset of [3, 4]) await same(Fetch, 12, side => fetchOf(side, fetchOffset), fetched)
    await ask(-1)
    await same(Fetch, 12, side => fetchOf(side, 42), fetched)
  })
})
