import { Fetch, ListOffsets, RecordBatchBuilder, type ResponseInputOf } from '@millrace/protocol'
import { type LogFields, type Logger, SILENT_LOGGER } from '@millrace/streams/ports'
import { expect, test } from 'vitest'
import { seededRandom, VirtualClock } from '../group/test-support/virtual-clock.ts'
import { createCluster } from '../kafka-cluster.ts'
import { ScriptedTransport } from '../test-support/scripted-transport.ts'
import { createFetcher } from './fetcher.ts'

const LEADER = 'leader:9092'
const FOLLOWER = 'follower:9092'
const T = 't'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

type PartitionAnswer = Partial<ResponseInputOf<typeof Fetch>['responses'][number]['partitions'][number]>
type Answer = (asked: { broker: string; offset: number; rackId: string }) => PartitionAnswer

/** One partition, led by broker 1; broker 2 is a follower in the client's rack. Each record is a batch of its own. */
function setUp(answer: Answer, { logger = SILENT_LOGGER, clientRack = 'here' } = {}) {
  const transport = new ScriptedTransport([LEADER])
  transport.brokers.set(1, LEADER).set(2, FOLLOWER)
  transport.topics.set(T, { topicId: TOPIC_ID, leaders: [[1, 0]] })
  const clock = new VirtualClock()
  const random = seededRandom(3)
  const asked: string[] = []
  const racks = new Set<string>()
  transport.on(Fetch, async (request, { broker }) => {
    const { partition, fetchOffset: offset } = request.topics[0]!.partitions[0]!
    asked.push(`${broker.split(':')[0]} ${offset}`)
    racks.add(request.rackId)
    const given = answer({ broker, offset, rackId: request.rackId })
    const isNews =
      given.records !== undefined || given.preferredReadReplica !== undefined || given.errorCode !== undefined
    await new Promise<void>(resolve => clock.setTimer(isNews ? 1 : request.maxWaitMs, resolve))
    const empty = { errorCode: 0, highWatermark: 0, abortedTransactions: null, records: null }
    const partitions = [{ partitionIndex: partition, ...empty, ...given }]
    return { throttleTimeMs: 0, responses: [{ topicId: TOPIC_ID, partitions }] }
  })
  const cluster = createCluster({ transport, clock, random, logger })
  const options = { isolation: 'read_committed', maxBufferedBytes: 1_000_000 } as const
  const fetcher = createFetcher({
    ...{ cluster, clock, random, logger, lane: 'fetch', clientRack, metadataMaxAgeMs: 60_000 },
    options
  })
  const reader = fetcher.add({ topic: T, partition: 0 }, 0)
  const read = async (position: number): Promise<number[]> => {
    const seen: number[] = []
    for (let round = 0; round < 1000 && reader.position < position; round++) {
      await clock.advance(20)
      while (reader.next()) seen.push(reader.offset)
    }
    return seen
  }
  return { transport, clock, asked, racks, read, reader }
}

function records(offset: number, end: number): PartitionAnswer {
  if (offset >= end) return { highWatermark: end, lastStableOffset: end }
  const builder = new RecordBatchBuilder()
  builder.append(null, 0, -1, Buffer.from('v'), 0, 1, 1000, [])
  const batch = Buffer.from(builder.build({}))
  batch.writeBigInt64BE(BigInt(offset), 0)
  return { records: batch, highWatermark: end, lastStableOffset: end }
}

/** As Kafka's leader: it names a follower in the reader's rack and sends no records. */
const leaderNames =
  (end: number, byFollower: Answer): Answer =>
  asked => {
    if (asked.broker === FOLLOWER) return byFollower(asked)
    if (asked.rackId === 'here') return { preferredReadReplica: 2, highWatermark: end, lastStableOffset: end }
    return records(asked.offset, end)
  }

test('a follower that the leader names is read from', async () => {
  const { asked, racks, read } = setUp(leaderNames(3, ({ offset }) => records(offset, 3)))
  expect(await read(3)).toEqual([0, 1, 2])
  expect(asked.slice(0, 4)).toEqual(['leader 0', 'follower 0', 'follower 1', 'follower 2'])
  expect([...racks]).toEqual(['here'])
})

test('without a rack the leader is read from', async () => {
  const { asked, racks, read } = setUp(
    leaderNames(2, ({ offset }) => records(offset, 2)),
    { clientRack: '' }
  )
  expect(await read(2)).toEqual([0, 1])
  expect([...racks]).toEqual([''])
  expect(asked.slice(0, 2)).toEqual(['leader 0', 'leader 1'])
})

test('the leader is asked again when the lease of its choice is over', async () => {
  const { asked, clock, read } = setUp(leaderNames(1, ({ offset }) => records(offset, 1)))
  await read(1)
  asked.length = 0
  await clock.advance(59_000)
  expect(asked.filter(each => each.startsWith('leader'))).toEqual([])
  await clock.advance(2_000)
  expect(asked.filter(each => each.startsWith('leader'))).toEqual(['leader 1'])
  expect(asked.at(-1)).toBe('follower 1')
})

test('a follower that lacks what was read may lag behind: the leader is asked, and knows', async () => {
  const { asked, read } = setUp(
    leaderNames(4, ({ offset }) => (offset === 2 ? { divergingEpoch: { epoch: 0, endOffset: 1 } } : records(offset, 4)))
  )
  expect(await read(4)).toEqual([0, 1, 2, 3])
  expect(asked).toContain('leader 2')
})

test('a follower that is away is left for the leader, which then serves the records itself', async () => {
  const { transport, asked, racks, read } = setUp(leaderNames(4, ({ offset }) => records(offset, 2)))
  expect(await read(2)).toEqual([0, 1])
  transport.stop(FOLLOWER)
  expect(await read(4)).toEqual([2, 3])
  expect([...racks]).toEqual(['here', ''])
  expect(asked.slice(-2).every(each => each.startsWith('leader'))).toBe(true)
  expect(asked.length).toBeLessThan(12)
})

test('a follower that does not know yet what is committed, and says nothing at once, is asked again a little later', async () => {
  let early = 3
  const { asked, read } = setUp(
    leaderNames(4, ({ offset }) =>
      offset === 2 && early-- > 0 ? { records: null, highWatermark: 2, lastStableOffset: 2 } : records(offset, 4)
    )
  )
  expect(await read(4)).toEqual([0, 1, 2, 3])
  const twos = Array.from({ length: 4 }, () => 'follower 2')
  expect(asked.slice(0, 8)).toEqual(['leader 0', 'follower 0', 'follower 1', ...twos, 'follower 3'])
})

test.each([
  ['OFFSET_OUT_OF_RANGE', 1],
  ['NOT_LEADER_OR_FOLLOWER', 6],
  ['OFFSET_NOT_AVAILABLE', 78]
])('a follower that answers %s is left for the leader, and the reader sees no error', async (_name, errorCode) => {
  const { transport, asked, clock, read } = setUp(
    leaderNames(4, ({ offset }) => (offset >= 2 ? { errorCode } : records(offset, 4)))
  )
  transport.on(ListOffsets, () => {
    throw new Error('nobody has to ask for the bounds')
  })
  expect(await read(4)).toEqual([0, 1, 2, 3])
  expect(transport.count(ListOffsets)).toBe(0)
  asked.length = 0
  // Later the follower is given another chance.
  await clock.advance(11_000)
  expect(asked.some(each => each.startsWith('follower'))).toBe(true)
})

test('a partition that an open transaction holds is warned of, naming it and how long, and again only later', async () => {
  const warnings: { message: string; fields: LogFields | undefined }[] = []
  const logger: Logger = { ...SILENT_LOGGER, warn: (message, fields) => void warnings.push({ message, fields }) }
  let stable = 1
  const { clock, read } = setUp(
    ({ offset }) => ({ ...records(offset, 1), highWatermark: 5, lastStableOffset: stable }),
    { logger }
  )
  await read(1)
  await clock.advance(59_000)
  expect(warnings).toEqual([])
  await clock.advance(3_000)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]!.message).toMatch(/Topic 't', partition 0 has been held at offset 1 for 6\d s.*4 offsets behind/)
  expect(warnings[0]!.fields).toMatchObject({ topic: T, partition: 0, lastStableOffset: 1, highWatermark: 5 })
  await clock.advance(200_000)
  expect(warnings).toHaveLength(1)
  await clock.advance(110_000)
  expect(warnings).toHaveLength(2)
  // One that moves is held by one transaction after another, none of them stuck.
  for (stable = 2; stable < 5; stable++) await clock.advance(50_000)
  expect(warnings).toHaveLength(2)
})
