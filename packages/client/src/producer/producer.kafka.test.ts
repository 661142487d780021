import { EndTxn } from '@millrace/protocol'
import { isStreamsError } from '@millrace/streams/core'
import type { GroupMetadata, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { append } from './test-support/producer-rig.ts'
import { ProducerHarness } from './test-support/producer-harness.ts'

let kafka: ProducerHarness

beforeAll(() => {
  kafka = ProducerHarness.open()
})

afterAll(async () => {
  await kafka.close()
})

/** Commits that come from no member: allowed while a group is empty. */
function nobody(groupId: string): GroupMetadata {
  return { groupId, generationId: -1, memberId: '', groupInstanceId: undefined }
}

function numbered(count: number, partition: number, partitionCount: number): string[] {
  const values: string[] = []
  for (let i = partition; i < count; i += partitionCount) values.push(`value ${i}`)
  return values
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    error => (isStreamsError(error) ? error.code : String(error))
  )
}

describe('idempotent', () => {
  test('writes 100,000 records to 4 partitions, each in order', async () => {
    const topic = await kafka.createTopic(4)
    const producer = await kafka.producer({ batchBytes: 20_000 })
    const appender = await producer.topic(topic)
    for (let i = 0; i < 100_000; i++) {
      append(appender, i % 4, `value ${i}`)
      if (producer.full) await producer.whenWritable()
    }
    await producer.flush()
    const values = await kafka.read(topic)
    for (let partition = 0; partition < 4; partition++) {
      expect(values[partition]).toEqual(numbered(100_000, partition, 4))
      expect(appender.ackedEndOffset(partition)).toBe(25_000)
    }
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compresses with %s', async compression => {
    const topic = await kafka.createTopic(1)
    const producer = await kafka.producer({ compression })
    const appender = await producer.topic(topic)
    for (let i = 0; i < 1000; i++) append(appender, 0, `value ${i}`)
    await producer.flush()
    expect(await kafka.read(topic)).toEqual([numbered(1000, 0, 1)])
  })

  test('writes to the partitions that a topic got meanwhile', async () => {
    const topic = await kafka.createTopic(1)
    const producer = await kafka.producer()
    const appender = await producer.topic(topic)
    append(appender, 0, 'a')
    await producer.flush()
    await kafka.growTopic(topic, 3)
    append(appender, 0, 'b')
    expect(appender.partitionCount).toBe(3)
    append(appender, 2, 'c')
    await producer.flush()
    expect(await kafka.read(topic)).toEqual([['a', 'b'], [], ['c']])
  })

  test('misses a topic that was deleted', async () => {
    const topic = await kafka.createTopic(1)
    const producer = await kafka.producer()
    const appender = await producer.topic(topic)
    append(appender, 0, 'a')
    await producer.flush()
    await kafka.deleteTopic(topic)
    append(appender, 0, 'b')
    expect(await codeOf(producer.flush())).toBe('TOPIC_MISSING')
    await producer.abort()
    await producer.close()
  })

  test('writes each record once and in order although a fifth of the answers is lost', async () => {
    const topic = await kafka.createTopic(3)
    let produces = 0
    const cluster = kafka.losingAnswers(name => name === 'Produce' && ++produces % 5 === 0)
    const producer = await kafka.producer({ batchBytes: 2000, maxRequestBytes: 5000 }, cluster)
    const appender = await producer.topic(topic)
    for (let i = 0; i < 30_000; i++) append(appender, i % 3, `value ${i}`)
    await producer.flush()
    const values = await kafka.read(topic)
    for (let partition = 0; partition < 3; partition++) {
      expect(values[partition]).toEqual(numbered(30_000, partition, 3))
    }
  })

  test('splits batches that are too large for the topic, and hands a record that is to onRejected', async () => {
    const topic = await kafka.createTopic(1, { 'max.message.bytes': '2000' })
    const rejected: unknown[] = []
    const producer = await kafka.producer({
      batchBytes: 30_000,
      onRejected: (...args) => {
        rejected.push([...args.slice(0, 3), isStreamsError(args[3], 'RECORD_TOO_LARGE')])
        return true
      }
    })
    const appender = await producer.topic(topic)
    for (let i = 0; i < 3000; i++) append(appender, 0, i === 1234 ? 'x'.repeat(3000) : `value ${i}`)
    await producer.flush()
    expect(rejected).toEqual([[topic, 0, 1, true]])
    expect(await kafka.read(topic)).toEqual([numbered(3000, 0, 1).filter(value => value !== 'value 1234')])
  })

  test('commits offsets to a group after a flush', async () => {
    const topic = await kafka.createTopic(1)
    const groupId = `${topic}-group`
    const producer = await kafka.producer()
    append(await producer.topic(topic), 0, 'v')
    await producer.commit([{ topic, partition: 0, offset: 1, metadata: 'm' }], nobody(groupId))
    expect(await kafka.committedOffset(groupId, topic)).toBe(1)
  })
})

describe.each([1, 2] as const)('transactions version %i', version => {
  const options = (name: string) => ({
    transactionalId: `${kafka.prefix}-${name}-${version}`,
    maxTransactionsVersion: version
  })

  test('show what was committed, and nothing of what was aborted', async () => {
    const topic = await kafka.createTopic(2)
    const producer = await kafka.producer({ ...options('visible'), batchBytes: 500 })
    const appender = await producer.topic(topic)
    const expected: string[][] = [[], []]
    for (let transaction = 0; transaction < 12; transaction++) {
      const aborted = transaction % 3 === 1
      for (let i = 0; i < 100; i++) {
        const value = `${transaction}:${i}`
        append(appender, i % 2, value)
        if (!aborted) expected[i % 2]!.push(value)
      }
      if (!aborted) await producer.commit([], nobody('unused'))
      else {
        await producer.flush()
        await producer.abort()
      }
    }
    expect(await kafka.read(topic)).toEqual(expected)
    expect((await kafka.read(topic, 'read_uncommitted')).flat()).toHaveLength(1200)
  })

  test('speak the newest protocol that both sides know', async () => {
    const topic = await kafka.createTopic(1)
    const seen = new Set<string>()
    const cluster = kafka.losingAnswers(name => {
      seen.add(name)
      return false
    })
    const producer = await kafka.producer(options('protocol'), cluster)
    append(await producer.topic(topic), 0, 'v')
    await producer.commit([], nobody('unused'))
    // Kafka 4 finalises transaction.version 2 in a new cluster; older ones do not know it.
    const known = (await cluster.versionFor({ any: true }, EndTxn)) >= 5 ? version : 1
    expect(seen.has('AddPartitionsToTxn')).toBe(known === 1)
  })

  test('carry the offsets of a group', async () => {
    const topic = await kafka.createTopic(1)
    const groupId = `${topic}-group`
    const producer = await kafka.producer(options('offsets'))
    const appender = await producer.topic(topic)
    append(appender, 0, 'v')
    await producer.commit([{ topic, partition: 0, offset: 5, metadata: 'm' }], nobody(groupId))
    expect(await kafka.committedOffset(groupId, topic)).toBe(5)
    await producer.commit([{ topic, partition: 0, offset: 6, metadata: 'm' }], nobody(groupId))
    expect(await kafka.committedOffset(groupId, topic)).toBe(6)
  })

  test('refuse a zombie: another generation cannot commit, and the transaction stays sound', async () => {
    const topic = await kafka.createTopic(1)
    const groupId = `${topic}-group`
    const consumer = kafka.consumer(groupId)
    const joined = new Promise<string>(resolve => {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => resolve(payload.memberId))
    })
    await consumer.connect()
    await consumer.subscribe({ topic })
    await consumer.run({ eachMessage: async () => {}, autoCommit: false })
    const memberId = await joined
    const member = { groupId, generationId: 1, memberId, groupInstanceId: undefined }
    const offset = { topic, partition: 0, offset: 1, metadata: '' }

    const producer = await kafka.producer(options('zombie'))
    const appender = await producer.topic(topic)
    append(appender, 0, 'v')
    expect(await codeOf(producer.commit([offset], { ...member, generationId: 0 }))).toBe('TASK_MIGRATED')
    expect(await codeOf(producer.commit([offset], { ...member, memberId: 'someone else' }))).toBe('TASK_MIGRATED')
    expect(producer.error).toBeUndefined()
    await producer.commit([offset], member)
    expect(await kafka.committedOffset(groupId, topic)).toBe(1)
    expect(await kafka.read(topic)).toEqual([['v']])
    await consumer.disconnect()
  })

  test('are fenced by a second producer of the id, and reset takes it over again', async () => {
    const topic = await kafka.createTopic(1)
    const first = await kafka.producer(options('fenced'))
    const appender = await first.topic(topic)
    append(appender, 0, 'zombie')
    await first.flush()
    const second = await kafka.producer(options('fenced'))
    append(appender, 0, 'zombie too')
    expect(await codeOf(first.commit([], nobody('unused')))).toBe('PRODUCER_FENCED')
    append(await second.topic(topic), 0, 'second')
    await second.commit([], nobody('unused'))
    await first.reset()
    append(appender, 0, 'first again')
    await first.commit([], nobody('unused'))
    expect(await kafka.read(topic)).toEqual([['second', 'first again']])
    append(await second.topic(topic), 0, 'zombie')
    expect(await codeOf(second.commit([], nobody('unused')))).toBe('PRODUCER_FENCED')
  })

  test('process each input exactly once although an eighth of all answers is lost', async () => {
    const topic = await kafka.createTopic(3)
    const groupId = `${topic}-group`
    let answers = 0
    const cluster = kafka.losingAnswers(() => ++answers > 20 && answers % 8 === 0)
    const producer = await kafka.producer({ ...options('lossy'), batchBytes: 500, maxRequestBytes: 2000 }, cluster)
    const appender = await producer.topic(topic)
    let position = 0
    while (position < 3000) {
      const end = position + 300
      try {
        for (let i = position; i < end; i++) append(appender, i % 3, `value ${i}`)
        await producer.commit([{ topic, partition: 0, offset: end, metadata: '' }], nobody(groupId))
        position = end
      } catch (error) {
        if (!isStreamsError(error)) throw error
        await producer.abort().catch(() => producer.reset())
        position = Math.max(0, await kafka.committedOffset(groupId, topic))
      }
    }
    const values = await kafka.read(topic)
    for (let partition = 0; partition < 3; partition++) expect(values[partition]).toEqual(numbered(3000, partition, 3))
    expect(await kafka.committedOffset(groupId, topic)).toBe(3000)
    // Else too few were lost to show anything.
    expect(answers).toBeGreaterThan(60)
  })

  test('that exceed their time-out are fenced by the coordinator; reset goes on', async () => {
    const topic = await kafka.createTopic(1)
    const producer = await kafka.producer({ ...options('slow'), transactionTimeoutMs: 1000 })
    const appender = await producer.topic(topic)
    expect(await failure(producer, appender)).toBe('PRODUCER_FENCED')
    await producer.reset()
    append(appender, 0, 'in time')
    await producer.commit([], nobody('unused'))
    expect(await kafka.read(topic)).toEqual([['in time']])
  })
})

/** Goes on writing, without a commit, until the producer fails: brokers look for overdue transactions every ten seconds. */
async function failure(producer: RecordProducer, appender: TopicAppender): Promise<string> {
  for (;;) {
    try {
      append(appender, 0, 'late')
      await producer.flush()
      await new Promise(resolve => setImmediate(resolve))
    } catch (error) {
      return isStreamsError(error) ? error.code : String(error)
    }
  }
}
