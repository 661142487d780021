import type { Headers } from '@millrace/streams/core'
import type { Fetcher, PartitionReader } from '@millrace/streams/ports'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { intercept, KafkaHarness } from './test-support/kafka-harness.ts'

interface ReadRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

let kafka: KafkaHarness

beforeAll(() => {
  kafka = KafkaHarness.open()
})

afterEach(async () => {
  await kafka.closeFetchers()
})

afterAll(async () => {
  await kafka.close()
})

describe('reading', () => {
  test('yields every record of several partitions once, in order, with all its parts', async () => {
    const topic = await kafka.createTopic(3)
    const sent = Array.from({ length: 900 }, (_, index) => ({
      partition: index % 3,
      key: index % 7 === 0 ? null : `key ${index}`,
      value: index % 11 === 0 ? null : `value ${index}`,
      timestamp: String(1_700_000_000_000 + index),
      headers: index % 2 === 0 ? { trace: `t${index}`, empty: '' } : {}
    }))
    await kafka.send(topic, sent)
    const fetcher = kafka.fetcher()
    const readers = [0, 1, 2].map(partition => fetcher.add({ topic, partition }, 0))
    for (const reader of readers) {
      const expected = sent.filter(({ partition }) => partition === reader.partition)
      const records: (ReadRecord & { timestamp: string; headers: Headers })[] = []
      await readTo(fetcher, reader, 300, record => {
        records.push({ ...record, timestamp: String(reader.timestampMs), headers: reader.headers() })
      })
      expect(records.map(({ offset }) => offset)).toEqual(expected.map((_, index) => index))
      expect(records.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
        expected.map(({ key, value, timestamp }) => ({ key, value, timestamp }))
      )
      expect(records[0]?.headers.map(([name, value]) => [name, value?.toString()])).toEqual(
        Object.entries(expected[0]?.headers ?? {})
      )
      expect(reader).toMatchObject({ highWatermark: 300, lastStableOffset: 300, logStartOffset: 0, position: 300 })
    }
    expect(fetcher.bufferedBytes).toBe(0)
  })

  test('begins at the offset it is given, also inside a batch', async () => {
    const topic = await kafka.createTopic(1)
    await kafka.send(topic, numbered('a', 10))
    const fetcher = kafka.fetcher()
    const reader = fetcher.add({ topic, partition: 0 }, 6)
    expect(await valuesTo(fetcher, reader, 10)).toEqual(['a6', 'a7', 'a8', 'a9'])
  })

  test('asks by name where the broker does not know topic ids', async () => {
    const topic = await kafka.createTopic(2)
    await kafka.send(topic, [
      { value: 'p0', partition: 0 },
      { value: 'p1', partition: 1 }
    ])
    const old = intercept(kafka.cluster, (target, api, body, options) =>
      kafka.cluster.request(target, api, body, api.name === 'Fetch' ? { ...options, maxVersion: 4 } : options)
    )
    const fetcher = kafka.fetcher({}, old)
    const readers = [0, 1].map(partition => fetcher.add({ topic, partition }, 0))
    const values: unknown[] = []
    for (const reader of readers) values.push(await valuesTo(fetcher, reader, 1))
    expect(values).toEqual([['p0'], ['p1']])
  })

  test('moves a partition that is there already, ignoring what was asked for before', async () => {
    const topic = await kafka.createTopic(1)
    await kafka.send(topic, numbered('m', 100))
    const fetcher = kafka.fetcher()
    const first = fetcher.add({ topic, partition: 0 }, 0)
    await fetcher.wait(10_000)
    expect(first.next()).toBe(true)
    // One answer is buffered, and the next question is under way.
    const moved = fetcher.add({ topic, partition: 0 }, 97)
    expect(await valuesTo(fetcher, moved, 100)).toEqual(['m97', 'm98', 'm99'])
    expect(fetcher.bufferedBytes).toBe(0)
  })

  test('gets a batch through that is larger than a fetch of its partition, also behind a busy partition', async () => {
    const topic = await kafka.createTopic(2)
    await kafka.send(topic, [
      ...Array.from({ length: 50 }, (_, index) => ({ partition: 0, value: `small ${index} ${'x'.repeat(200)}` })),
      { partition: 1, value: 'y'.repeat(500_000) }
    ])
    const fetcher = kafka.fetcher({ partitionMaxBytes: 1000 })
    const busy = fetcher.add({ topic, partition: 0 }, 0)
    const large = fetcher.add({ topic, partition: 1 }, 0)
    expect((await valuesTo(fetcher, large, 1)).map(value => value?.length)).toEqual([500_000])
    expect(await valuesTo(fetcher, busy, 50)).toHaveLength(50)
  })

  test('gives a partition that is added during a long poll its records at once', async () => {
    const topic = await kafka.createTopic(2)
    await kafka.send(topic, [{ partition: 1, value: 'here' }])
    const fetcher = kafka.fetcher({ maxWaitMs: 30_000 })
    const idle = fetcher.add({ topic, partition: 0 }, 0)
    const before = kafka.fetchCount
    while (kafka.fetchCount === before) await fetcher.wait(10)
    const late = fetcher.add({ topic, partition: 1 }, 0)
    expect(await valuesTo(fetcher, late, 1)).toEqual(['here'])
    expect(idle.highWatermark).toBe(-1)
  })
})

describe('an empty partition', () => {
  test('tells its watermarks, and is asked again no more often than the long poll says', async () => {
    const topic = await kafka.createTopic(3)
    const fetcher = kafka.fetcher({ maxWaitMs: 250 })
    const readers = [0, 1, 2].map(partition => fetcher.add({ topic, partition }, 0))
    while (readers.some(({ highWatermark }) => highWatermark < 0)) await fetcher.wait(10_000)
    for (const reader of readers) {
      expect(reader).toMatchObject({ highWatermark: 0, lastStableOffset: 0, logStartOffset: 0, hasBuffered: false })
    }
    const before = kafka.fetchCount
    // Nothing happens, so this lasts its whole time.
    await fetcher.wait(1000)
    const asked = kafka.fetchCount - before
    expect(asked).toBeGreaterThanOrEqual(2)
    expect(asked).toBeLessThanOrEqual(6)
  })

  test('gives its first record without waiting for the end of a long poll', async () => {
    const topic = await kafka.createTopic(1)
    const fetcher = kafka.fetcher({ maxWaitMs: 30_000 })
    const reader = fetcher.add({ topic, partition: 0 }, 0)
    await kafka.send(topic, [{ value: 'first' }])
    expect(await valuesTo(fetcher, reader, 1)).toEqual(['first'])
    expect(reader.highWatermark).toBe(1)
  })

  test('lets go of a long poll when the fetcher is closed', async () => {
    const topic = await kafka.createTopic(1)
    const outcomes: Promise<unknown>[] = []
    const watched = intercept(kafka.cluster, (target, api, body, options) => {
      const answer = kafka.cluster.request(target, api, body, options)
      outcomes.push(answer.catch((error: unknown) => error))
      return answer
    })
    const fetcher = kafka.fetcher({ maxWaitMs: 120_000 }, watched)
    fetcher.add({ topic, partition: 0 }, 0)
    while (kafka.cluster.cachedTopic(topic) === undefined || outcomes.length === 0) await fetcher.wait(10)
    await fetcher.close()
    // Far sooner than the poll would have ended.
    const [outcome] = await Promise.all(outcomes)
    // The second, where the connection was still being opened.
    expect(outcome).toMatchObject({ code: expect.stringMatching(/^CLIENT_(REQUEST_FAILED|CLOSED)$/) })
    await fetcher.wait(60_000)
  })
})

describe('transactions', () => {
  /** Aborted and committed ones, the aborted ones longer than a fetch; keys that look like a marker's. */
  async function writeTransactions(topic: string): Promise<string[]> {
    const committed: string[] = []
    const [first, second] = [await kafka.producer('first'), await kafka.producer('second')]
    const zero = Buffer.alloc(4)
    const batch = (name: string, round: number) =>
      Array.from({ length: 10 }, (_, index) => ({
        key: index % 2 === 0 ? zero : 'key',
        value: `${name} ${round}.${index} ${'.'.repeat(50)}`
      }))
    const run = async (producer: typeof first, name: string, rounds: number, commit: boolean): Promise<void> => {
      const transaction = await producer.transaction()
      for (let round = 0; round < rounds; round++) {
        const messages = batch(name, round)
        await transaction.send({ topic, messages })
        if (commit) committed.push(...messages.map(({ value }) => value))
      }
      await (commit ? transaction.commit() : transaction.abort())
    }
    await run(first, 'committed 1', 1, true)
    await run(first, 'aborted 1', 8, false)
    await run(first, 'aborted 2', 1, false)
    await run(second, 'aborted 3', 1, false)
    await run(first, 'committed 2', 2, true)
    // Two that overlap: one is aborted within the other's span.
    const [outer, inner] = [await first.transaction(), await second.transaction()]
    await outer.send({ topic, messages: [{ key: zero, value: 'outer, aborted' }] })
    await inner.send({ topic, messages: [{ key: zero, value: 'inner, committed' }] })
    await outer.abort()
    await inner.send({ topic, messages: [{ key: zero, value: 'inner, committed too' }] })
    await inner.commit()
    committed.push('inner, committed', 'inner, committed too')
    return committed
  }

  test('aborted ones do not show under read_committed, whatever the size of a fetch', async () => {
    const topic = await kafka.createTopic(1)
    const committed = await writeTransactions(topic)
    for (const partitionMaxBytes of [1, 700, 1500, 1_000_000]) {
      const fetcher = kafka.fetcher({ partitionMaxBytes })
      const reader = fetcher.add({ topic, partition: 0 }, 0)
      const end = await endOf(fetcher, reader)
      expect(await valuesTo(fetcher, reader, end)).toEqual(committed)
      // Behind the last marker, though no record is there.
      expect(reader.position).toBe(end)
      await fetcher.close()
    }
  })

  test('all records but no markers show under read_uncommitted', async () => {
    const topic = await kafka.createTopic(1)
    const committed = await writeTransactions(topic)
    const fetcher = kafka.fetcher({ isolation: 'read_uncommitted', partitionMaxBytes: 700 })
    const reader = fetcher.add({ topic, partition: 0 }, 0)
    const values = await valuesTo(fetcher, reader, await endOf(fetcher, reader))
    expect(values).toHaveLength(committed.length + 100 + 1)
    expect(values.filter(value => value?.includes('aborted'))).toHaveLength(101)
  })

  test('an open one holds back what comes after it: the high watermark passes the last stable offset', async () => {
    const topic = await kafka.createTopic(1)
    await kafka.send(topic, [{ value: 'before' }])
    const transaction = await (await kafka.producer('open')).transaction()
    await transaction.send({ topic, messages: [{ value: 'open' }] })
    await kafka.send(topic, [{ value: 'after' }])
    const fetcher = kafka.fetcher({ maxWaitMs: 100 })
    const reader = fetcher.add({ topic, partition: 0 }, 0)
    expect(await valuesTo(fetcher, reader, 1)).toEqual(['before'])
    expect(reader).toMatchObject({ lastStableOffset: 1, highWatermark: 3, position: 1 })
    await transaction.commit()
    expect(await valuesTo(fetcher, reader, 4)).toEqual(['open', 'after'])
  })
})

describe('the byte limit', () => {
  test('holds while the reader is slow, and loses nothing', async () => {
    const topic = await kafka.createTopic(4)
    const value = 'v'.repeat(1000)
    for (let round = 0; round < 8; round++) {
      for (let partition = 0; partition < 4; partition++) {
        await kafka.send(
          topic,
          Array.from({ length: 50 }, () => ({ partition, value }))
        )
      }
    }
    const maxBufferedBytes = 200_000
    const fetcher = kafka.fetcher({ maxBufferedBytes })
    const readers = [0, 1, 2, 3].map(partition => fetcher.add({ topic, partition }, 0))
    let highest = 0
    let count = 0
    while (count < 1600) {
      // One record of each partition at a time, and time for answers to come in between.
      for (const reader of readers) if (reader.next()) count++
      await new Promise(resolve => setImmediate(resolve))
      highest = Math.max(highest, fetcher.bufferedBytes)
      if (!readers.some(({ hasBuffered }) => hasBuffered)) await fetcher.wait(10_000)
    }
    expect(highest).toBeGreaterThan(100_000)
    // A batch of 50 is the smallest that Kafka gives.
    expect(highest).toBeLessThanOrEqual(maxBufferedBytes + 51_000)
    for (const reader of readers) expect([reader.next(), reader.position]).toEqual([false, 400])
    expect(fetcher.bufferedBytes).toBe(0)
  })

  test('does not keep the one partition back that a waiting reader lacks', async () => {
    const topic = await kafka.createTopic(2)
    await kafka.send(topic, [{ partition: 0, value: 'x'.repeat(300_000) }])
    const fetcher = kafka.fetcher({ maxBufferedBytes: 100_000 })
    const full = fetcher.add({ topic, partition: 0 }, 0)
    while (!full.hasBuffered) await fetcher.wait(10_000)
    expect(fetcher.bufferedBytes).toBeGreaterThan(300_000)
    const lacking = fetcher.add({ topic, partition: 1 }, 0)
    await kafka.send(topic, [{ partition: 1, value: 'wanted' }])
    expect(await valuesTo(fetcher, lacking, 1)).toEqual(['wanted'])
  })
})

describe('an offset out of range', () => {
  test('is told by next, with the bounds, and reading goes on from where it is moved to', async () => {
    const topic = await kafka.createTopic(1)
    await kafka.send(topic, numbered('r', 20))
    await kafka.deleteRecords(topic, 0, 5)
    const fetcher = kafka.fetcher()
    const reader = fetcher.add({ topic, partition: 0 }, 2)
    const error = await failureOf(fetcher, reader)
    expect(error).toMatchObject({
      code: 'CLIENT_OFFSET_OUT_OF_RANGE',
      details: { topic, partition: 0, offset: 2, logStartOffset: 5, highWatermark: 20 }
    })
    expect(() => reader.next()).toThrow(error)
    expect(await valuesTo(fetcher, fetcher.add({ topic, partition: 0 }, 18), 20)).toEqual(['r18', 'r19'])
    expect(await failureOf(fetcher, fetcher.add({ topic, partition: 0 }, 21))).toMatchObject({
      details: { offset: 21, logStartOffset: 5, highWatermark: 20 }
    })
  })
})

function numbered(name: string, count: number): { readonly value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ value: `${name}${index}` }))
}

async function readTo(
  fetcher: Fetcher,
  reader: PartitionReader,
  position: number,
  take: (record: ReadRecord) => void
): Promise<void> {
  for (;;) {
    while (reader.next()) {
      const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset } = reader
      take({
        offset,
        key: keyEnd < 0 ? null : buffer.toString('utf8', keyStart, keyEnd),
        value: valueEnd < 0 ? null : buffer.toString('utf8', valueStart, valueEnd)
      })
    }
    if (reader.position >= position) return
    await fetcher.wait(10_000)
  }
}

async function valuesTo(fetcher: Fetcher, reader: PartitionReader, position: number): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  await readTo(fetcher, reader, position, ({ value }) => values.push(value))
  return values
}

async function endOf(fetcher: Fetcher, reader: PartitionReader): Promise<number> {
  while (reader.highWatermark < 0) await fetcher.wait(10_000)
  return reader.highWatermark
}

async function failureOf(fetcher: Fetcher, reader: PartitionReader): Promise<unknown> {
  for (;;) {
    try {
      while (reader.next());
    } catch (error) {
      return error
    }
    await fetcher.wait(10_000)
  }
}
