import { Fetch, ListOffsets, RecordBatchBuilder, type ResponseInputOf, restampBatch } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import { type Fetcher, type FetcherOptions, type PartitionReader, SILENT_LOGGER } from '@millrace/streams/ports'
import { describe, expect, test } from 'vitest'
import { seededRandom, VirtualClock } from '../group/test-support/virtual-clock.ts'
import { createCluster } from '../kafka-cluster.ts'
import { type RequestContext, ScriptedTransport } from '../test-support/scripted-transport.ts'
import { createFetcher } from './fetcher.ts'

const ONE = 'one:9092'
const TWO = 'two:9092'
const T = 't'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

type PartitionAnswer = Partial<ResponseInputOf<typeof Fetch>['responses'][number]['partitions'][number]>

interface Asked {
  readonly broker: string
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

/**
 * A topic whose partitions answer from `answer`; undefined is an empty partition. An answer without records or errors
 * comes when the long poll is over.
 */
function setUp(
  answer: (asked: Asked) => PartitionAnswer | undefined | 'break',
  options: Partial<FetcherOptions> = {},
  leaders: (readonly [number, number])[] = [[1, 0]]
) {
  const transport = new ScriptedTransport([ONE])
  transport.answersAreOwn = true
  transport.brokers.set(1, ONE).set(2, TWO)
  const topic = { topicId: TOPIC_ID, leaders }
  transport.topics.set(T, topic)
  const clock = new VirtualClock()
  const random = seededRandom(3)
  const logger = SILENT_LOGGER
  const asked: Asked[] = []
  transport.on(Fetch, async (request, { broker }: RequestContext) => {
    let newsworthy = false
    const partitions = request.topics.flatMap(({ partitions: wanted }) =>
      wanted.map(({ partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes }) => {
        const question = { broker, partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes }
        asked.push(question)
        const given = answer(question)
        if (given === 'break') throw new Error('broken')
        newsworthy ||= given !== undefined
        return {
          partitionIndex: partition,
          errorCode: 0,
          highWatermark: 0,
          abortedTransactions: null,
          records: null,
          ...given
        }
      })
    )
    await new Promise<void>(resolve => clock.setTimer(newsworthy ? 1 : request.maxWaitMs, resolve))
    return { throttleTimeMs: 0, responses: [{ topicId: TOPIC_ID, partitions }] }
  })
  const cluster = createCluster({ transport, clock, random, logger })
  const fetcher = createFetcher({
    cluster,
    clock,
    random,
    logger,
    lane: 'fetch',
    options: { isolation: 'read_committed', maxBufferedBytes: 1_000_000, ...options }
  })
  return { transport, clock, cluster, fetcher, asked, topic }
}

/** A batch of `count` records of about `bytes` each, from `offset` on, written in a leader's `epoch`. */
function batch(offset: number, count: number, bytes = 10, epoch = -1): Buffer {
  const builder = new RecordBatchBuilder()
  const value = Buffer.alloc(bytes, 120)
  for (let index = 0; index < count; index++) builder.append(null, 0, -1, value, 0, value.length, 1000 + index, [])
  const built = Buffer.from(builder.build({}))
  built.writeBigInt64BE(BigInt(offset), 0)
  built.writeInt32BE(epoch, 12)
  return built
}

/** Answers from a log of one-record batches. */
function log(end: number, bytes = 10) {
  return ({ fetchOffset, partitionMaxBytes }: Asked): PartitionAnswer | undefined => {
    if (fetchOffset >= end) return undefined
    const batches: Buffer[] = []
    let size = 0
    for (let offset = fetchOffset; offset < end; offset++) {
      const next = batch(offset, 1, bytes)
      if (batches.length > 0 && size + next.length > partitionMaxBytes) break
      batches.push(next)
      size += next.length
    }
    return { records: Buffer.concat(batches), highWatermark: end, lastStableOffset: end }
  }
}

async function offsets(
  clock: VirtualClock,
  fetcher: Fetcher,
  reader: PartitionReader,
  position: number
): Promise<number[]> {
  const seen: number[] = []
  for (let round = 0; round < 1000; round++) {
    while (reader.next()) seen.push(reader.offset)
    if (reader.position >= position) return seen
    const waiting = fetcher.wait(1000)
    await clock.advance(20)
    fetcher.wake()
    await waiting
  }
  throw new Error(`stuck at ${reader.position}`)
}

async function failure(clock: VirtualClock, reader: PartitionReader): Promise<unknown> {
  for (let round = 0; round < 1000; round++) {
    try {
      while (reader.next());
    } catch (error) {
      return error
    }
    await clock.advance(20)
  }
  throw new Error('it did not fail')
}

describe('a log that lost what was read', () => {
  /** A leader of epoch 5 with records of epoch 4 up to `cutAt`, and three of its own; it answers as Kafka does. */
  const cutOff =
    (cutAt: number) =>
    ({ fetchOffset, lastFetchedEpoch }: Asked): PartitionAnswer | undefined => {
      const end = cutAt + 3
      if (lastFetchedEpoch === 4 && fetchOffset > cutAt) return { divergingEpoch: { epoch: 4, endOffset: cutAt } }
      if (fetchOffset > end) return { errorCode: 1 }
      if (fetchOffset === end) return undefined
      const epoch = fetchOffset < cutAt ? 4 : 5
      return { records: batch(fetchOffset, 1, 10, epoch), highWatermark: end, lastStableOffset: end }
    }

  /** The leader tells that its log holds 0 to 5. */
  const answerRange = (transport: ScriptedTransport, leaderEpoch: number): void =>
    transport.on(ListOffsets, async request => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          ...{ partitionIndex, errorCode: 0, timestamp: -1, leaderEpoch },
          offset: timestamp === -2 ? 0 : 5
        }))
      }))
    }))

  test('says from where on, and reads what came in its place', async () => {
    let isCut = false
    const { clock, fetcher, topic } = setUp(
      question => {
        if (isCut) return question.broker === ONE ? { errorCode: 6 } : cutOff(2)(question)
        const { fetchOffset } = question
        if (fetchOffset === 4) return undefined
        return { records: batch(fetchOffset, 1, 10, 4), highWatermark: 4, lastStableOffset: 4 }
      },
      {},
      [[1, 4]]
    )
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    expect(reader.leaderEpoch).toBe(-1)
    expect(await offsets(clock, fetcher, reader, 4)).toEqual([0, 1, 2, 3])
    expect(reader.leaderEpoch).toBe(4)
    isCut = true
    topic.leaders[0] = [2, 5]
    expect(await failure(clock, reader)).toMatchObject({
      code: 'CLIENT_LOG_TRUNCATED',
      action: 'stop',
      message: expect.stringContaining('from offset 2 up to 4'),
      details: { topic: T, partition: 0, offset: 4, leaderEpoch: 4, divergentOffset: 2 }
    })
    fetcher.add({ topic: T, partition: 0 }, 2)
    expect(await offsets(clock, fetcher, reader, 5)).toEqual([2, 3, 4])
    expect(reader.leaderEpoch).toBe(5)
    await fetcher.close()
  })

  test('is noticed with the epoch that was committed, too, also when it has grown past the offset since', async () => {
    const { clock, fetcher } = setUp(cutOff(2), {}, [[1, 5]])
    const reader = fetcher.add({ topic: T, partition: 0 }, 4, 4)
    expect(reader.leaderEpoch).toBe(4)
    expect(await failure(clock, reader)).toMatchObject({
      code: 'CLIENT_LOG_TRUNCATED',
      details: { divergentOffset: 2 }
    })
    await fetcher.close()
  })

  test("behind what was read is nobody's concern", async () => {
    const { clock, fetcher, asked } = setUp(
      question =>
        question.lastFetchedEpoch === 4 ? { divergingEpoch: { epoch: 3, endOffset: 4 } } : cutOff(2)(question),
      {},
      [[1, 5]]
    )
    const reader = fetcher.add({ topic: T, partition: 0 }, 4, 4)
    expect(await offsets(clock, fetcher, reader, 5)).toEqual([4])
    expect(asked.map(({ lastFetchedEpoch }) => lastFetchedEpoch).slice(0, 3)).toEqual([4, -1, 5])
    await fetcher.close()
  })

  test('under the same leader is another topic: its offsets are out of range', async () => {
    const { clock, fetcher, transport } = setUp(cutOff(2), {}, [[1, 4]])
    answerRange(transport, 4)
    const reader = fetcher.add({ topic: T, partition: 0 }, 9, 4)
    expect(await failure(clock, reader)).toMatchObject({ code: 'CLIENT_OFFSET_OUT_OF_RANGE' })
    await fetcher.close()
  })

  test('is not presumed of a leader that has forgotten its epochs', async () => {
    const { clock, fetcher, transport } = setUp(
      question => (question.lastFetchedEpoch === 4 ? { errorCode: 1 } : cutOff(2)(question)),
      {},
      [[1, 5]]
    )
    answerRange(transport, 5)
    const reader = fetcher.add({ topic: T, partition: 0 }, 4, 4)
    expect(await offsets(clock, fetcher, reader, 5)).toEqual([4])
    await fetcher.close()
  })

  test('is another topic where its leader has not come that far: what is in range was not read', async () => {
    const { clock, fetcher, transport } = setUp(
      question => (question.lastFetchedEpoch === 7 ? { errorCode: 1 } : cutOff(2)(question)),
      {},
      [[1, 5]]
    )
    answerRange(transport, 5)
    const reader = fetcher.add({ topic: T, partition: 0 }, 4, 7)
    expect(await failure(clock, reader)).toMatchObject({
      code: 'CLIENT_OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('deleted and made anew')
    })
    await fetcher.close()
  })
})

describe('a leader that moves', () => {
  test.each([6, 74, 75, 3, 100, 103, 5, 9])(
    'is followed after error code %i, once and not in a busy loop',
    async code => {
      const { clock, fetcher, asked, topic, transport } = setUp(question =>
        question.broker === ONE && topic.leaders[0]?.[0] === 2 ? { errorCode: code } : log(3)(question)
      )
      const reader = fetcher.add({ topic: T, partition: 0 }, 0)
      topic.leaders = [[2, 1]]
      expect(await offsets(clock, fetcher, reader, 3)).toEqual([0, 1, 2])
      const refused = asked.filter(({ broker }) => broker === ONE)
      expect(refused.length).toBeLessThanOrEqual(2)
      expect(asked.at(-1)).toMatchObject({ broker: TWO, currentLeaderEpoch: 1 })
      expect(transport.requests.length).toBeLessThan(20)
    }
  )

  test('that the metadata does not tell yet is asked about now and then', async () => {
    let moved = false
    const { clock, fetcher, transport } = setUp(question => (moved ? log(1)(question) : { errorCode: 6 }))
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(3000)
    expect(transport.count(Fetch)).toBeGreaterThan(3)
    expect(transport.requests.length).toBeLessThan(25)
    moved = true
    expect(await offsets(clock, fetcher, reader, 1)).toEqual([0])
  })

  test('is waited for while there is none', async () => {
    const { clock, fetcher, topic, transport } = setUp(log(1), {}, [[-1, 0]])
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(3000)
    expect(transport.requests.length).toBeLessThan(20)
    topic.leaders = [[1, 1]]
    expect(await offsets(clock, fetcher, reader, 1)).toEqual([0])
  })
})

test('a leader that answers at once, with nothing, is not asked over and over', async () => {
  // Elected a moment ago, it knows of 2 committed records; the old one had told of 3.
  let committed = 2
  const { clock, fetcher, asked } = setUp(asking =>
    committed > asking.fetchOffset ? log(committed)(asking) : { highWatermark: committed }
  )
  const reader = fetcher.add({ topic: T, partition: 0 }, 3)
  await clock.advance(2_000)
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.length).toBeLessThan(100)
  committed = 4
  const before = clock.monotonicMs()
  expect(await offsets(clock, fetcher, reader, 4)).toEqual([3])
  expect(clock.monotonicMs() - before).toBeLessThan(200)
  await fetcher.close()
})

describe('failures', () => {
  test('a broken connection is tried again, with waits in between, and loses nothing', async () => {
    let broken = 0
    const { clock, fetcher, asked } = setUp(question =>
      question.fetchOffset === 2 && ++broken <= 5 ? 'break' : log(4)({ ...question, partitionMaxBytes: 150 })
    )
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    expect(await offsets(clock, fetcher, reader, 4)).toEqual([0, 1, 2, 3])
    expect(broken).toBeGreaterThan(5)
    expect(asked.length).toBeLessThan(15)
    expect(clock.monotonicMs()).toBeGreaterThan(1500)
  })

  test('a topic that stays missing is reported by next, naming it', async () => {
    const { clock, fetcher, transport } = setUp(() => undefined)
    transport.topics.delete(T)
    const error = await failure(clock, fetcher.add({ topic: T, partition: 0 }, 0))
    expect(error).toMatchObject({ code: 'TOPIC_MISSING', details: { topic: T, partition: 0 } })
    expect(clock.monotonicMs()).toBeGreaterThan(4900)
    expect(clock.monotonicMs()).toBeLessThan(8000)
  })

  test('a partition that the topic does not have is reported with its count', async () => {
    const { clock, fetcher } = setUp(() => undefined)
    const error = await failure(clock, fetcher.add({ topic: T, partition: 7 }, 0))
    expect(error).toMatchObject({ code: 'TOPIC_MISSING' })
    expect(String(error)).toContain('has 1 partitions and no partition 7')
  })

  test('a topic that may not be read is reported at once', async () => {
    const { clock, fetcher } = setUp(() => ({ errorCode: 29 }))
    const error = await failure(clock, fetcher.add({ topic: T, partition: 0 }, 0))
    expect(error).toMatchObject({ code: 'CLIENT_AUTHORIZATION_FAILED', action: 'stop' })
    expect(clock.monotonicMs()).toBeLessThan(100)
  })

  test('a topic that may not be described fails its own readers alone', async () => {
    const { clock, fetcher, transport } = setUp(log(2))
    transport.topics.set('secret', { errorCode: 29, leaders: [] })
    const secret = fetcher.add({ topic: 'secret', partition: 0 }, 0)
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    expect(await failure(clock, secret)).toMatchObject({ code: 'CLIENT_AUTHORIZATION_FAILED' })
    expect(await offsets(clock, fetcher, reader, 2)).toEqual([0, 1])
  })

  test('refused credentials end the waiting of every reader', async () => {
    const { clock, fetcher, transport } = setUp(log(1))
    transport.connect = () => Promise.reject(new StreamsError('CLIENT_AUTHENTICATION_FAILED', 'wrong password'))
    const error = await failure(clock, fetcher.add({ topic: T, partition: 0 }, 0))
    expect(error).toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
  })

  test('an offset that is in range after all is asked for again', async () => {
    let refusals = 0
    const { clock, fetcher, transport } = setUp(question => (++refusals < 3 ? { errorCode: 1 } : log(5)(question)))
    transport.on(ListOffsets, ({ topics: [topic] }) => ({
      topics: [
        {
          name: T,
          partitions: (topic?.partitions ?? []).map(({ partitionIndex, timestamp }) => ({
            partitionIndex,
            errorCode: 0,
            offset: timestamp === -2 ? 0 : 5
          }))
        }
      ]
    }))
    const reader = fetcher.add({ topic: T, partition: 0 }, 2)
    expect(await offsets(clock, fetcher, reader, 5)).toEqual([2, 3, 4])
  })
})

describe('damaged records', () => {
  const damaged = (edit: (bytes: Buffer) => void) => {
    const bytes = batch(2, 2)
    edit(bytes)
    return ({ fetchOffset }: Asked): PartitionAnswer | undefined => {
      if (fetchOffset === 0) return { records: Buffer.concat([batch(0, 2), bytes]), highWatermark: 4 }
      return fetchOffset === 2 ? { records: bytes, highWatermark: 4 } : undefined
    }
  }

  /** As of a Kafka to come: what cannot be decompressed here is sound all the same. */
  const unknownCompression = (bytes: Buffer): void => {
    bytes.writeInt16BE(5, 21)
    restampBatch(bytes, { producerId: -1n, producerEpoch: -1, baseSequence: -1 })
  }

  test.each<readonly [string, string, (bytes: Buffer) => void]>([
    ['a flipped bit', 'RECORD_CORRUPT', bytes => bytes.writeUInt8((bytes[70] as number) ^ 1, 70)],
    ['a negative length', 'RECORD_CORRUPT', bytes => bytes.writeInt32BE(-20, 8)],
    ['a length of nothing', 'RECORD_CORRUPT', bytes => bytes.writeInt32BE(3, 8)],
    ['an old format', 'RECORD_FORMAT_UNSUPPORTED', bytes => bytes.writeUInt8(1, 16)],
    ['a compression that is not there', 'RECORD_FORMAT_UNSUPPORTED', unknownCompression]
  ])(
    '%s is reported with its offset (%s), after the sound records before it, and is not asked for again',
    async (_, code, edit) => {
      const { clock, fetcher, asked } = setUp(damaged(edit))
      const reader = fetcher.add({ topic: T, partition: 0 }, 0)
      await clock.advance(100)
      expect(asked.length).toBeLessThanOrEqual(2)
      expect([reader.next(), reader.offset, reader.next(), reader.offset]).toEqual([true, 0, true, 1])
      const error = await failure(clock, reader)
      expect(error).toMatchObject({ code, details: { topic: T, partition: 0, offset: 2 } })
      // What is sound is not to be passed over.
      expect(String(error).includes('skip')).toBe(code === 'RECORD_CORRUPT')
      expect(String(error)).toContain("Topic 't', partition 0")
      expect(() => reader.next()).toThrow(error as Error)
      const before = asked.length
      await clock.advance(5000)
      expect(asked.length).toBeLessThanOrEqual(before + 1)
    }
  )

  test('a batch that is cut off is asked for with enough room', async () => {
    const whole = batch(0, 1, 5000)
    const { clock, fetcher, asked } = setUp(
      ({ fetchOffset, partitionMaxBytes }) =>
        fetchOffset === 0 ? { records: whole.subarray(0, partitionMaxBytes), highWatermark: 1 } : undefined,
      { partitionMaxBytes: 100 }
    )
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    expect(await offsets(clock, fetcher, reader, 1)).toEqual([0])
    expect(asked.slice(0, 2).map(({ partitionMaxBytes }) => partitionMaxBytes)).toEqual([100, whole.length])
  })
})

describe('asking', () => {
  test('with what cannot be put into a request fails, and is not tried for ever', async () => {
    const { clock, fetcher } = setUp(log(3), { maxBytes: 'many' as unknown as number })
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    expect(await failure(clock, reader)).toMatchObject({ code: 'CLIENT_PROTOCOL_ERROR', cause: expect.anything() })
    await fetcher.close()
  })

  test('goes on ahead of the reader, up to the limit, and again once half a share is read', async () => {
    const { clock, fetcher, asked } = setUp(log(1000, 1000), { maxBufferedBytes: 40_000, partitionMaxBytes: 10_000 })
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(5000)
    expect(fetcher.bufferedBytes).toBeGreaterThan(15_000)
    expect(fetcher.bufferedBytes).toBeLessThanOrEqual(40_000)
    const ahead = asked.length
    expect(reader.next()).toBe(true)
    await clock.advance(1000)
    expect(asked.length).toBe(ahead)
    await offsets(clock, fetcher, reader, 100)
    expect(asked.length).toBeGreaterThan(ahead)
  })

  test('puts each partition first in turn', async () => {
    const leaders = [0, 1, 2].map(() => [1, 0] as const)
    const { clock, fetcher, asked } = setUp(() => undefined, { maxWaitMs: 10 }, leaders)
    for (const partition of [0, 1, 2]) fetcher.add({ topic: T, partition }, 0)
    await clock.advance(200)
    const first = asked.filter((_, index) => index % 3 === 0).map(({ partition }) => partition)
    expect(new Set(first.slice(0, 6))).toEqual(new Set([0, 1, 2]))
  })

  test('joins latecomers with the long poll of the others', async () => {
    const { clock, fetcher, asked } = setUp(() => undefined, {}, [
      [1, 0],
      [1, 0]
    ])
    fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(100)
    fetcher.add({ topic: T, partition: 1 }, 0)
    await clock.advance(2000)
    const before = asked.length
    // Four long polls of half a second, each for both.
    await clock.advance(2000)
    expect(asked.length - before).toBe(8)
  })

  test('ignores what a partition was asked for before it was moved', async () => {
    const { clock, fetcher, asked } = setUp(log(10))
    fetcher.add({ topic: T, partition: 0 }, 0)
    // The question has left; its answer takes a millisecond.
    await clock.advance(0)
    expect(asked).toHaveLength(1)
    const moved = fetcher.add({ topic: T, partition: 0 }, 8)
    expect(await offsets(clock, fetcher, moved, 10)).toEqual([8, 9])
    expect(asked.slice(0, 2).map(({ fetchOffset }) => fetchOffset)).toEqual([0, 8])
  })

  test('ignores what a partition was asked for before it was removed', async () => {
    const { clock, fetcher, asked } = setUp(log(10))
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(0)
    expect(asked).toHaveLength(1)
    fetcher.remove({ topic: T, partition: 0 })
    await clock.advance(1000)
    expect(reader.next()).toBe(false)
    expect(fetcher.bufferedBytes).toBe(0)
    expect(asked).toHaveLength(1)
  })

  test('stops above the limit, but for a partition that a waiting reader lacks', async () => {
    const { clock, fetcher, asked } = setUp(log(3, 100_000), { maxBufferedBytes: 60_000 }, [
      [1, 0],
      [1, 0]
    ])
    const full = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(100)
    expect(fetcher.bufferedBytes).toBeGreaterThan(100_000)
    const lacking = fetcher.add({ topic: T, partition: 1 }, 0)
    await clock.advance(5000)
    expect(asked.map(({ partition }) => partition)).toEqual([0])
    const waiting = fetcher.wait(60_000)
    await clock.advance(100)
    // News of before; nobody waited yet.
    await waiting
    const starving = fetcher.wait(60_000)
    await clock.advance(100)
    await starving
    expect(asked.map(({ partition }) => partition)).toEqual([0, 1])
    expect([lacking.next(), full.next()]).toEqual([true, true])
  })

  test('stops when closed, however much is under way', async () => {
    const { clock, fetcher, asked, transport } = setUp(() => undefined)
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(100)
    let woken = false
    void fetcher.wait(60_000).then(() => {
      woken = true
    })
    await clock.advance(0)
    await fetcher.close()
    await clock.advance(0)
    expect(woken).toBe(true)
    const before = asked.length
    await clock.advance(10_000)
    expect(asked.length).toBe(before)
    expect(reader.next()).toBe(false)
    expect(transport.open.filter(({ connected }) => connected)).toHaveLength(1)
  })
})

describe('wait', () => {
  test('returns at once for news that came before, and only once', async () => {
    const { clock, fetcher } = setUp(log(1))
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    await clock.advance(100)
    expect(reader.hasBuffered).toBe(true)
    await fetcher.wait(60_000)
    const startMs = clock.monotonicMs()
    let done = false
    void fetcher.wait(300).then(() => {
      done = true
    })
    await clock.advance(299)
    expect(done).toBe(false)
    await clock.advance(1)
    expect(done).toBe(true)
    expect(clock.monotonicMs() - startMs).toBe(300)
  })

  test('returns for a higher watermark without records', async () => {
    let highWatermark = 5
    const { clock, fetcher } = setUp(() => ({ highWatermark, lastStableOffset: 0 }))
    fetcher.add({ topic: T, partition: 0 }, 0)
    await fetcherNews(clock, fetcher)
    highWatermark = 6
    expect(await fetcherNews(clock, fetcher)).toBe(true)
  })
})

describe('what was read', () => {
  /** Two partitions with parts of the same answers; returns the views of all values, with what each said when it was read. */
  async function readBoth(options: Partial<FetcherOptions>) {
    const { clock, fetcher } = setUp(log(40, 100), { partitionMaxBytes: 2_000, ...options }, [
      [1, 0],
      [1, 0]
    ])
    const readers = [0, 1].map(partition => fetcher.add({ topic: T, partition }, 0))
    const views: Buffer[] = []
    const wrong: unknown[] = []
    for (let round = 0; round < 1000 && readers.some(({ position }) => position < 40); round++) {
      for (const reader of readers) {
        // Not as far in one as in the other: an answer stays while either has a part of it.
        for (let i = 0; i < 7 && reader.next(); i++) {
          const view = reader.buffer.subarray(reader.valueStart, reader.valueEnd)
          if (view.length !== 100 || view.some(byte => byte !== 120)) wrong.push([reader.partition, reader.offset])
          views.push(view)
        }
      }
      await clock.advance(5)
    }
    expect(wrong).toEqual([])
    expect(views).toHaveLength(80)
    return { fetcher, readers, views }
  }

  test('stays as long as somebody has a view of it', async () => {
    const { fetcher, views } = await readBoth({})
    await fetcher.close()
    expect(views.every(({ length }) => length === 100)).toBe(true)
  })

  test('is freed with the last record of an answer, where that was asked for', async () => {
    const { readers, views } = await readBoth({ freesRead: true })
    for (const reader of readers) expect(reader.next()).toBe(false)
    expect(views.every(({ length }) => length === 0)).toBe(true)
  })

  test('or was not read and is dropped', async () => {
    const { clock, fetcher } = setUp(log(40, 100), { freesRead: true })
    const reader = fetcher.add({ topic: T, partition: 0 }, 0)
    for (let i = 0; i < 100 && !reader.next(); i++) await clock.advance(5)
    const view = reader.buffer.subarray(reader.valueStart, reader.valueEnd)
    expect(view).toHaveLength(100)
    const moved = fetcher.add({ topic: T, partition: 0 }, 30)
    expect(view).toHaveLength(0)
    expect((await offsets(clock, fetcher, moved, 40)).slice(-10)).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39])
  })
})

async function fetcherNews(clock: VirtualClock, fetcher: Fetcher): Promise<boolean> {
  let done = false
  void fetcher.wait(10_000).then(() => {
    done = true
  })
  for (let step = 0; step < 100 && !done; step++) await clock.advance(10)
  return done
}
