// What was aborted never reaches an application, however it lies in the log.
import { randomUUID } from 'node:crypto'
import type { KafkaClient, RecordProducer } from '@millrace/streams/ports'
import { bytes, json, Millrace, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const texts = { key: bytes(), value: string() }

/** Writes records of one topic in transactions that end as they are told to. */
class Writer {
  readonly #producer: RecordProducer
  readonly #client: KafkaClient
  readonly #topic: string

  private constructor(client: KafkaClient, producer: RecordProducer, topic: string) {
    this.#client = client
    this.#producer = producer
    this.#topic = topic
  }

  static async open(cluster: TestCluster, topic: string): Promise<Writer> {
    const producer = await cluster.client.createProducer({ transactionalId: `writer-${randomUUID()}` })
    return new Writer(cluster.client, producer, cluster.name(topic))
  }

  async append(...records: (readonly [key: Buffer | string, value: string])[]): Promise<void> {
    const appender = await this.#producer.topic(this.#topic)
    for (const [keyText, text] of records) {
      const key = Buffer.from(keyText)
      const value = Buffer.from(text)
      appender.append(0, key, 0, key.length, value, 0, value.length, 1_000, [])
    }
    await this.#producer.flush()
  }

  /** A transaction needs a group only where it commits offsets. */
  async commit(): Promise<void> {
    const group = { groupId: 'none', generationId: -1, memberId: '', groupInstanceId: undefined }
    await this.#untilMarked(() => this.#producer.commit([], group))
  }

  async abort(): Promise<void> {
    await this.#untilMarked(() => this.#producer.abort())
  }

  /** The end of a transaction is answered before its mark is in the log, and what comes next may be there first. */
  async #untilMarked(end: () => Promise<void>): Promise<void> {
    const before = await this.endOffset()
    await end()
    await expect.poll(() => this.endOffset(), { timeout: 15_000, interval: 5 }).toBe(before + 1)
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  async endOffset(): Promise<number> {
    const [end] = await this.#client.admin.listOffsets(
      [{ topic: this.#topic, partition: 0, at: 'latest' }],
      'read_uncommitted'
    )
    return end?.offset ?? -1
  }
}

async function copied(cluster: TestCluster): Promise<string[]> {
  const builder = new StreamsBuilder()
  builder.stream(cluster.name('in'), texts).to(cluster.name('out'), texts)
  await new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once' }).run({ until: 'end' })
  return (await cluster.read('out')).map(({ value }) => value)
}

async function opened(): Promise<TestCluster> {
  const cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  return cluster
}

test('an aborted transaction longer than a fetch does not leak', async () => {
  await using cluster = await opened()
  const writer = await Writer.open(cluster, 'in')
  await writer.append(['a', 'before'])
  await writer.commit()
  // A fetch asks for a mebibyte of a partition, as a rule: this is three.
  const long = 'x'.repeat(16 * 1024)
  for (let i = 0; i < 12; i++) {
    await writer.append(...Array.from({ length: 16 }, () => ['a', long] as const))
  }
  await writer.abort()
  await writer.append(['a', 'after'])
  await writer.commit()
  await writer.close()
  expect(await copied(cluster)).toEqual(['before', 'after'])
})

test('two aborted transactions of two producers in one fetch do not leak, in whichever order they end', async () => {
  await using cluster = await opened()
  const [one, two, three] = [
    await Writer.open(cluster, 'in'),
    await Writer.open(cluster, 'in'),
    await Writer.open(cluster, 'in')
  ]
  await one.append(['a', 'aborted 1'])
  await two.append(['a', 'aborted 2'])
  await three.append(['a', 'kept 1'])
  await one.append(['a', 'aborted 3'])
  await one.abort()
  await two.append(['a', 'aborted 4'])
  await one.append(['a', 'kept 2'])
  await two.abort()
  await three.append(['a', 'kept 3'])
  await one.commit()
  await three.commit()
  await two.append(['a', 'aborted 5'])
  await two.abort()
  await two.append(['a', 'kept 4'])
  await two.commit()
  for (const writer of [one, two, three]) await writer.close()
  expect(await copied(cluster)).toEqual(['kept 1', 'kept 2', 'kept 3', 'kept 4'])
})

test('aborted records whose key is four zero bytes, as a marker’s is, do not leak and end nothing', async () => {
  await using cluster = await opened()
  const writer = await Writer.open(cluster, 'in')
  const likeMarker = Buffer.alloc(4)
  const likeCommit = Buffer.from([0, 0, 0, 1])
  await writer.append(['a', 'aborted'], [likeMarker, 'aborted'], ['a', 'aborted'], [likeCommit, 'aborted'])
  await writer.append(['a', 'aborted'])
  await writer.abort()
  await writer.append([likeMarker, 'kept 1'], [likeCommit, 'kept 2'])
  await writer.commit()
  await writer.close()
  expect(await copied(cluster)).toEqual(['kept 1', 'kept 2'])
})

test('aborted transactions of kafkajs do not leak', async () => {
  await using cluster = await opened()
  const producer = cluster.kafkajs.producer({
    transactionalId: `writer-${randomUUID()}`,
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  for (const [value, isKept] of [
    ['1', true],
    ['2', false],
    ['3', false],
    ['4', true],
    ['5', false]
  ] as const) {
    const transaction = await producer.transaction()
    await transaction.send({
      topic: cluster.name('in'),
      messages: [
        { key: Buffer.alloc(4), value: `${value} a` },
        { key: 'k', value: `${value} b` }
      ]
    })
    await (isKept ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
  expect(await copied(cluster)).toEqual(['1 a', '1 b', '4 a', '4 b'])
})

test('an aborted transaction at the end of a topic is committed past', async () => {
  await using cluster = await opened()
  const writer = await Writer.open(cluster, 'in')
  await writer.append(['a', 'kept'])
  await writer.commit()
  await writer.append(['a', 'aborted'])
  await writer.abort()
  expect(await copied(cluster)).toEqual(['kept'])
  expect(await cluster.committed('in')).toEqual([await writer.endOffset()])
  await writer.close()
})

test('a transaction that is open holds back what follows, until it ends', async () => {
  await using cluster = await opened()
  const [open, other] = [await Writer.open(cluster, 'in'), await Writer.open(cluster, 'in')]
  await other.append(['a', '1'])
  await other.commit()
  await open.append(['a', 'aborted'])
  await other.append(['a', '2'])
  await other.commit()
  const copying = copied(cluster)
  await expect.poll(async () => (await cluster.read('out')).length, { timeout: 15_000 }).toBe(1)
  expect(await cluster.committed('in')).toEqual([2])
  await open.abort()
  expect(await copying).toEqual(['1', '2'])
  await open.close()
  await other.close()
})

test('what an application aborted does not reach the next one, nor its changelog a restored store', async () => {
  await using cluster = await opened()
  const numbers = { key: string(), value: json<number>() }
  await cluster.produce(
    'in',
    [1, 2, 3, 4].map(value => ({ key: 'a', value: String(value) }))
  )
  const summing = (failAt: number, stateDir: string) => {
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .groupByKey()
      .reduce((sum, value) => sum + value, { store: 'sums' })
      .toStream()
      .peek((_key, sum) => {
        if (sum === failAt) throw new Error(`the sum is ${sum}`)
      })
      .to(cluster.name('out'), numbers)
    return new Millrace(builder.build(), {
      ...cluster.options,
      stateDir,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0,
      commitIntervalMs: 5_000,
      // A batch a record: what is aborted has been sent.
      producer: { batchBytes: 1 }
    })
  }
  await expect(summing(10, cluster.stateDir).run({ until: 'end' })).rejects.toThrow('the sum is 10')
  await summing(-1, await cluster.newStateDir()).run({ until: 'end' })
  expect((await cluster.read('out')).map(({ value }) => value)).toEqual(['1', '3', '6', '10'])
})
