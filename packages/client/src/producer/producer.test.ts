import { isStreamsError, NO_HEADERS } from '@millrace/streams/core'
import type { GroupMetadata } from '@millrace/streams/ports'
import { describe, expect, test } from 'vitest'
import type { SeenRequest } from './test-support/fake-kafka.ts'
import { append, ProducerRig } from './test-support/producer-rig.ts'

const INPUT = { topic: 'in', partition: 0, metadata: '' }
const NOT_ENOUGH_REPLICAS = 19
const REBALANCE_IN_PROGRESS = 27
const TOPIC_AUTHORIZATION_FAILED = 29
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const DUPLICATE_SEQUENCE_NUMBER = 46
const INVALID_TXN_STATE = 48
const UNKNOWN_SERVER_ERROR = -1

function member(generationId = 1): GroupMetadata {
  return { groupId: 'g', generationId, memberId: 'm', groupInstanceId: undefined }
}

function produces(rig: ProducerRig): SeenRequest[] {
  return rig.kafka.requests.filter(({ name }) => name === 'Produce')
}

function code(error: unknown): string | undefined {
  return isStreamsError(error) ? error.code : String(error)
}

async function codeOf(rig: ProducerRig, promise: Promise<unknown>): Promise<string | undefined> {
  return await rig.wait(promise).then(() => 'no error', code)
}

describe('batches', () => {
  test('leave together after the linger, one request to each leader', async () => {
    const rig = await ProducerRig.open({ lingerMs: 5 })
    const appender = await rig.topic()
    const beganMs = rig.clock.monotonicMs()
    for (let i = 0; i < 30; i++) append(appender, i % 3, `v${i}`)
    await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(20, resolve)))
    expect(produces(rig).map(({ atMs }) => atMs - beganMs)).toEqual([5, 5])
    expect(rig.visible().map(({ length }) => length)).toEqual([10, 10, 10])
  })

  test('leave at once when they are full', async () => {
    const rig = await ProducerRig.open({ lingerMs: 1000, batchBytes: 300 })
    const appender = await rig.topic()
    const beganMs = rig.clock.monotonicMs()
    for (let i = 0; i < 50; i++) append(appender, 0, `a longer value ${i}`)
    await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(10, resolve)))
    expect(produces(rig)[0]!.atMs).toBe(beganMs)
    expect(rig.visible()[0]!.length).toBeGreaterThan(40)
  })

  test('keep key, value, timestamp and headers', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    appender.append(0, Buffer.from('xkeyx'), 1, 4, null, 0, -1, 77, [['h', Buffer.from('1')]])
    await rig.wait(rig.producer.flush())
    const [request] = produces(rig)
    const records: Buffer = request!.body.topicData[0].partitionData[0].records
    expect(records.includes('key')).toBe(true)
    expect(records.includes('xkey')).toBe(false)
    expect(Number(records.readBigInt64BE(27))).toBe(77)
  })

  test('go on after the highest sequence from 0', async () => {
    const rig = await ProducerRig.open({ batchBytes: 200 })
    const appender = await rig.topic()
    append(appender, 0, 'first')
    await rig.wait(rig.producer.flush())
    // As after 2^31 - 3 more records.
    const queue = (appender as unknown as { queues: { nextSequence: number }[] }).queues[0]!
    queue.nextSequence = 0x7ffffffe
    rig.kafka.partition('out', 0).setLastSequence(0x7ffffffd)
    for (let i = 0; i < 60; i++) append(appender, 0, `v${i}`)
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toEqual(['first', ...Array.from({ length: 60 }, (_, i) => `v${i}`)])
    expect(rig.kafka.partition('out', 0).log.some(({ baseSequence }) => baseSequence < 60 && baseSequence > 0)).toBe(
      true
    )
  })
})

describe('refusals', () => {
  test('of a batch too large for the broker halve it until it fits, in order', async () => {
    const rig = await ProducerRig.open()
    rig.kafka.partition('out', 0).maxMessageBytes = 300
    const appender = await rig.topic()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 50; i++) append(appender, 0, `value ${round * 50 + i}`)
      rig.producer.flush().catch(() => {})
    }
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toEqual(Array.from({ length: 150 }, (_, i) => `value ${i}`))
    expect(rig.kafka.requests.filter(({ name }) => name === 'InitProducerId')).toHaveLength(1)
  })

  test('of a single record go to onRejected, and the others are written in order', async () => {
    const rejected: unknown[] = []
    const rig = await ProducerRig.open({
      batchBytes: 4000,
      onRejected: (topic, partition, recordCount, error) => {
        rejected.push([topic, partition, recordCount, code(error)])
        return true
      }
    })
    rig.kafka.partition('out', 0).maxMessageBytes = 300
    const appender = await rig.topic()
    const values = Array.from({ length: 90 }, (_, i) => (i === 37 ? 'x'.repeat(500) : `value ${i}`))
    for (const value of values) append(appender, 0, value)
    await rig.wait(rig.producer.flush())
    expect(rejected).toEqual([['out', 0, 1, 'RECORD_TOO_LARGE']])
    expect(rig.visible()[0]).toEqual(values.filter(value => value.length < 500))
    append(appender, 0, 'later')
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]!.at(-1)).toBe('later')
    // No sequence was lost, so the epoch need not be raised.
    expect(new Set(rig.kafka.partition('out', 0).log.map(({ producerEpoch }) => producerEpoch))).toEqual(new Set([0]))
  })

  test('of some records of a batch drop only these', async () => {
    let dropped = 0
    let delivered = 0
    const rig = await ProducerRig.open({
      batchBytes: 400,
      onDelivered: (_topic, _partition, _baseOffset, recordCount) => {
        delivered += recordCount
      },
      onRejected: (_topic, _partition, recordCount) => {
        dropped += recordCount
        return true
      }
    })
    rig.kafka.partition('out', 0).invalid = value => value.endsWith('7')
    const appender = await rig.topic()
    for (let i = 0; i < 100; i++) append(appender, 0, `value ${i}`)
    await rig.wait(rig.producer.flush())
    expect(dropped).toBe(10)
    expect(delivered).toBe(90)
    expect(rig.visible()[0]).toEqual(
      Array.from({ length: 100 }, (_, i) => `value ${i}`).filter(value => !value.endsWith('7'))
    )
  })

  test('fail the producer when there is no handler, until abort', async () => {
    const rig = await ProducerRig.open()
    rig.kafka.partition('out', 0).maxMessageBytes = 300
    const appender = await rig.topic()
    append(appender, 0, 'x'.repeat(500))
    expect(await codeOf(rig, rig.producer.flush())).toBe('RECORD_TOO_LARGE')
    expect(code(rig.producer.error)).toBe('RECORD_TOO_LARGE')
    expect(() => append(appender, 1, 'no')).toThrow(/RECORD_TOO_LARGE/)
    expect(await codeOf(rig, rig.producer.whenWritable())).toBe('RECORD_TOO_LARGE')
    await rig.wait(rig.producer.abort())
    expect(rig.producer.error).toBeUndefined()
    append(appender, 0, 'small')
    await rig.wait(rig.producer.flush())
    expect(rig.visible()).toEqual([['small'], [], []])
  })

  test('happen before sending for a record beyond the request, a partition that is none, a timestamp that is none', async () => {
    const rig = await ProducerRig.open({ maxRequestBytes: 1000 })
    const appender = await rig.topic()
    expect(() => append(appender, 0, 'x'.repeat(1000))).toThrow(/RECORD_TOO_LARGE/)
    expect(() => append(appender, 3, 'v')).toThrow(/has 3 partitions/)
    expect(() => appender.append(0, null, 0, -1, null, 0, -1, Number.NaN, NO_HEADERS)).toThrow(
      /RECORD_TIMESTAMP_INVALID/
    )
    append(appender, 0, 'x'.repeat(800))
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toHaveLength(1)
    expect(await codeOf(rig, rig.producer.topic('none'))).toBe('TOPIC_MISSING')
  })

  test('for want of rights tell which topic', async () => {
    const rig = await ProducerRig.open()
    rig.kafka.fault = ({ name }) =>
      name === 'Produce' ? { kind: 'code', code: TOPIC_AUTHORIZATION_FAILED } : undefined
    append(await rig.topic(), 0, 'v')
    await expect(rig.wait(rig.producer.flush())).rejects.toThrow(
      /topic 'out', partition 0.*CLIENT_AUTHORIZATION_FAILED/
    )
  })
})

describe('sequences', () => {
  test('start again under a higher epoch when the broker misses what it had acknowledged', async () => {
    const rig = await ProducerRig.open({ batchBytes: 150 })
    const appender = await rig.topic()
    for (let i = 0; i < 30; i++) append(appender, i % 3, `a${i}`)
    await rig.wait(rig.producer.flush())
    rig.kafka.partition('out', 0).setLastSequence(3)
    for (let i = 0; i < 60; i++) append(appender, i % 3, `b${i}`)
    await rig.wait(rig.producer.flush())
    const values = rig.visible()
    expect(values.map(({ length }) => length)).toEqual([30, 30, 30])
    expect(values[0]!.slice(10)).toEqual(Array.from({ length: 20 }, (_, i) => `b${i * 3}`))
    expect(rig.kafka.partition('out', 0).log.at(-1)!.producerEpoch).toBe(1)
    expect(rig.kafka.requests.filter(({ name }) => name === 'InitProducerId')).toHaveLength(1)
  })

  test('get another producer id when the epochs are used up', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    const sender = (appender as unknown as { sender: { identity: object } }).sender
    sender.identity = { ...sender.identity, producerEpoch: 32_767 }
    rig.kafka.fault = ({ name }) =>
      name === 'Produce' && produces(rig).length === 2
        ? { kind: 'code', code: OUT_OF_ORDER_SEQUENCE_NUMBER }
        : undefined
    append(appender, 0, 'b')
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toEqual(['a', 'b'])
    expect(rig.kafka.partition('out', 0).log.map(({ producerId }) => producerId)).toEqual([1000n, 1001n])
  })

  test('abort the transaction when the broker misses something of it', async () => {
    const rig = await ProducerRig.open({ transactionalId: 't', maxTransactionsVersion: 1 })
    const appender = await rig.topic()
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    rig.kafka.partition('out', 0).setLastSequence(100)
    append(appender, 0, 'b')
    expect(await codeOf(rig, rig.producer.commit([], member()))).toBe('TRANSACTION_ABORTED')
    await rig.wait(rig.producer.abort())
    append(appender, 0, 'c')
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()[0]).toEqual(['c'])
  })
})

test('a batch that the broker has, but no longer knows where, is acknowledged', async () => {
  const rig = await ProducerRig.open()
  rig.kafka.fault = ({ name }) =>
    name === 'Produce' ? { kind: 'code', code: DUPLICATE_SEQUENCE_NUMBER, carriedOut: true } : undefined
  const appender = await rig.topic()
  append(appender, 0, 'a')
  await rig.wait(rig.producer.flush())
  expect(rig.visible()[0]).toEqual(['a'])
  expect(appender.ackedEndOffset(0)).toBe(-1)
  expect(produces(rig)).toHaveLength(1)
})

test('flush waits for what was appended before it, not for what came later', async () => {
  const rig = await ProducerRig.open()
  const appender = await rig.topic()
  rig.kafka.fault = ({ name, number }) => (name === 'Produce' && number === 1 ? { kind: 'stalled' } : undefined)
  append(appender, 0, 'slow')
  const flush = rig.producer.flush()
  let flushed = false
  void flush.then(() => {
    flushed = true
  })
  append(appender, 1, 'fast')
  await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(15, resolve)))
  expect(rig.visible()[1]).toEqual(['fast'])
  expect(flushed).toBe(false)
  await rig.wait(flush)
})

describe('time and space', () => {
  test('follow a leader that moves', async () => {
    const rig = await ProducerRig.open({ batchBytes: 150 })
    const appender = await rig.topic()
    for (let i = 0; i < 30; i++) append(appender, 0, `v${i}`)
    await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(0, resolve)))
    rig.kafka.partition('out', 0).leaderId = 2
    for (let i = 30; i < 60; i++) append(appender, 0, `v${i}`)
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toEqual(Array.from({ length: 60 }, (_, i) => `v${i}`))
  })

  test('tell of a broker that goes on refusing, and in the end why it was given up', async () => {
    const rig = await ProducerRig.open({ deliveryTimeoutMs: 60_000 })
    const appender = await rig.topic()
    const KAFKA_STORAGE_ERROR = 56
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'code', code: KAFKA_STORAGE_ERROR } : undefined)
    append(appender, 0, 'a')
    append(appender, 1, 'b')
    const error = await rig.wait(rig.producer.flush()).catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'PRODUCER_DELIVERY_TIMED_OUT', details: { kafkaError: 'KAFKA_STORAGE_ERROR' } })
    expect(error.message).toMatch(
      /within 60000 ms \(the last attempt: its leader answered KAFKA_STORAGE_ERROR: .+\); see/
    )
    const told = rig.warnings.filter(text => text.includes('sent again'))
    // After ten seconds, and then no more often than every thirty, whichever partition it is of.
    expect(told).toHaveLength(2)
    expect(told[0]).toMatch(/topic 'out', partition [01] have not been taken for 1\d s .* KAFKA_STORAGE_ERROR/)
  })

  test('say nothing of what passes, and count anew after what was taken', async () => {
    const rig = await ProducerRig.open({ deliveryTimeoutMs: 60_000 })
    const appender = await rig.topic()
    let failing = true
    rig.kafka.fault = ({ name }) => (name === 'Produce' && failing ? { kind: 'lost' } : undefined)
    for (let round = 0; round < 3; round++) {
      failing = true
      append(appender, 0, `v${round}`)
      const flushed = rig.producer.flush()
      await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(8000, resolve)))
      failing = false
      await rig.wait(flushed)
    }
    expect(rig.warnings).toEqual([])
  })

  test('keep the cause of a time-out that had no answer', async () => {
    const rig = await ProducerRig.open({ deliveryTimeoutMs: 5000 })
    const appender = await rig.topic()
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'lost' } : undefined)
    append(appender, 0, 'a')
    const error = await rig.wait(rig.producer.flush()).catch(thrown => thrown)
    expect(error.message).toContain('(the last attempt: Produce was not answered')
    expect(error.cause).toMatchObject({ code: 'CLIENT_REQUEST_TIMED_OUT' })
  })

  test('give up after the delivery time-out, with an error that lasts until abort', async () => {
    const rig = await ProducerRig.open({ deliveryTimeoutMs: 5000 })
    const appender = await rig.topic()
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'lost' } : undefined)
    const beganMs = rig.clock.monotonicMs()
    append(appender, 0, 'b')
    expect(await codeOf(rig, rig.producer.flush())).toBe('PRODUCER_DELIVERY_TIMED_OUT')
    expect(rig.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(5000)
    expect(rig.clock.monotonicMs() - beganMs).toBeLessThan(6100)
    rig.kafka.fault = () => undefined
    await rig.wait(rig.producer.abort())
    append(appender, 0, 'c')
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toEqual(['a', 'c'])
    // Nobody knows whether b was written: its sequence must not be used again under the same epoch.
    expect(rig.kafka.partition('out', 0).log.at(-1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('are not written after what comes after a reset', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'stalled' } : undefined)
    append(appender, 0, 'dropped, but on its way')
    await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(10, resolve)))
    await rig.wait(rig.producer.reset())
    expect(rig.kafka.requests.at(-1)).toMatchObject({ name: 'InitProducerId', atMs: produces(rig)[0]!.atMs + 20 })
  })

  test('are full above bufferBytes, and writable again when enough is acknowledged', async () => {
    const rig = await ProducerRig.open({ bufferBytes: 2000, batchBytes: 500, lingerMs: 60_000 })
    const appender = await rig.topic()
    await rig.producer.whenWritable()
    for (let i = 0; !rig.producer.full; i++) append(appender, i % 3, 'x'.repeat(50))
    const beganMs = rig.clock.monotonicMs()
    await rig.wait(rig.producer.whenWritable())
    expect(rig.producer.full).toBe(false)
    expect(rig.clock.monotonicMs() - beganMs).toBeLessThan(100)
    await rig.wait(rig.producer.flush())
    expect((appender as unknown as { sender: { buffer: { bytes: number } } }).sender.buffer.bytes).toBe(0)
  })

  test('never have more than five requests on their way to a broker', async () => {
    const rig = new ProducerRig()
    rig.kafka.addTopic('out', 1)
    rig.producer = await rig.create({ batchBytes: 150, maxRequestBytes: 200 })
    const appender = await rig.topic()
    for (let i = 0; i < 500; i++) append(appender, 0, `v${i}`)
    await rig.wait(rig.producer.flush())
    expect(rig.kafka.maxConcurrentProduces).toBe(5)
    expect(rig.visible()[0]).toHaveLength(500)
  })
})

describe('topics', () => {
  test('that grow are written to with their new count from the batch after the one that tells', async () => {
    for (const transactionalId of [undefined, 't']) {
      const rig = await ProducerRig.open({ transactionalId })
      const appender = await rig.topic()
      append(appender, 0, 'a')
      rig.kafka.growTopic('out', 5)
      expect(appender.partitionCount).toBe(3)
      await rig.wait(rig.producer.flush())
      append(appender, 0, 'b')
      expect(appender.partitionCount).toBe(5)
      append(appender, 4, 'c')
      await rig.wait(rig.producer.flush())
      if (transactionalId !== undefined) await rig.wait(rig.producer.commit([{ ...INPUT, offset: 1 }], member()))
      expect(rig.visible()).toEqual([['a', 'b'], [], [], [], ['c']])
      expect(appender.ackedEndOffset(4)).toBe(1)
      expect(() => append(appender, 5, 'v')).toThrow(/has 5 partitions/)
    }
  })

  test('that grow while nothing is written to them are known to have by the next record, until they are idle', async () => {
    const rig = await ProducerRig.open({}, 2, 60_000)
    const appender = await rig.topic()
    const pause = async (ms: number): Promise<void> => {
      await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(ms, resolve)))
    }
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    rig.kafka.growTopic('out', 4)
    await pause(60_100)
    expect(appender.partitionCount).toBe(4)
    append(appender, 3, 'b')
    await rig.wait(rig.producer.flush())
    await pause(300_000)
    const { refreshes } = rig.kafka
    expect(refreshes).toBe(6)
    await pause(300_000)
    expect(rig.kafka.refreshes).toBe(refreshes)
    append(appender, 0, 'c')
    await pause(60_100)
    expect(rig.kafka.refreshes).toBe(refreshes + 1)
    await rig.wait(rig.producer.close())
    await pause(120_000)
    expect(rig.kafka.refreshes).toBe(refreshes + 1)
  })

  test('do not shrink with an older view of them, but when another takes their name', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    rig.kafka.deleteTopic('out')
    rig.kafka.addTopic('out', 1)
    append(appender, 0, 'a')
    expect(appender.partitionCount).toBe(3)
    await rig.wait(rig.producer.flush())
    rig.kafka.topicIds.set('out', 'another')
    append(appender, 0, 'b')
    expect(appender.partitionCount).toBe(1)
    expect(() => append(appender, 2, 'v')).toThrow(/has 1 partitions/)
    await rig.wait(rig.producer.flush())
    expect(rig.visible()).toEqual([['a', 'b']])
  })

  test.each([
    ['without a transaction', {}],
    ['in a transaction', { transactionalId: 't' }],
    ['in a transaction of the older protocol', { transactionalId: 't', maxTransactionsVersion: 1 as const }]
  ])('that were deleted are missed after a while, %s', async (_where, options) => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    rig.kafka.deleteTopic('out')
    append(appender, 0, 'b')
    const beganMs = rig.clock.monotonicMs()
    const error = await rig.wait(rig.producer.flush()).catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'TOPIC_MISSING', details: { topic: 'out' } })
    expect(error.message).toContain("Topic 'out' was deleted")
    expect(rig.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(5000)
    expect(rig.clock.monotonicMs() - beganMs).toBeLessThan(7000)
  })

  test('that are missed in transactions given up sooner are missed all the same', async () => {
    const rig = await ProducerRig.open({ transactionalId: 't', deliveryTimeoutMs: 2000 })
    const appender = await rig.topic()
    rig.kafka.deleteTopic('out')
    const codes: unknown[] = []
    for (let round = 0; round < 3; round++) {
      append(appender, 0, `v${round}`)
      codes.push(await codeOf(rig, rig.producer.commit([], member())))
      await rig.wait(rig.producer.abort())
    }
    expect(codes).toEqual(['PRODUCER_DELIVERY_TIMED_OUT', 'PRODUCER_DELIVERY_TIMED_OUT', 'TOPIC_MISSING'])
  })

  test('that are unknown for a moment are waited for, again and again', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    for (let round = 0; round < 3; round++) {
      rig.kafka.deleteTopic('out')
      append(appender, 0, `v${round}`)
      const flushed = rig.producer.flush()
      await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(3000, resolve)))
      rig.kafka.addTopic('out', 3)
      await rig.wait(flushed)
      expect(rig.visible()[0]).toEqual([`v${round}`])
    }
  })
})

describe('close', () => {
  test('settles everything that waits although no request is answered', async () => {
    for (const transactionalId of [undefined, 't']) {
      const rig = await ProducerRig.open({ transactionalId, bufferBytes: 10 })
      const appender = await rig.topic()
      rig.kafka.fault = () => ({ kind: 'silent' })
      append(appender, 0, 'v')
      const pending = [
        rig.producer.flush(),
        rig.producer.whenWritable(),
        rig.producer.commit([{ ...INPUT, offset: 1 }], member()),
        rig.producer.abort()
      ].map(promise => promise.then(() => 'done', code))
      const closing = rig.wait(rig.producer.close({ timeoutMs: 1000 }), 1500).then(() => 'closed', code)
      expect(await closing).toBe(transactionalId === undefined ? 'PRODUCER_DELIVERY_TIMED_OUT' : 'closed')
      expect(new Set(await rig.wait(Promise.all(pending)))).toEqual(new Set(['CLIENT_CLOSED']))
      expect(() => append(appender, 0, 'v')).toThrow(/CLIENT_CLOSED/)
      expect(await codeOf(rig, rig.producer.flush())).toBe('CLIENT_CLOSED')
      expect(await codeOf(rig, rig.producer.reset())).toBe('CLIENT_CLOSED')
    }
  })

  test('waits without a time-out until all is written or given up, and fails with what kept it from being written', async () => {
    const rig = await ProducerRig.open({ deliveryTimeoutMs: 60_000 })
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'lost' } : undefined)
    append(await rig.topic(), 0, 'v')
    const beganMs = rig.clock.monotonicMs()
    expect(await codeOf(rig, rig.producer.close())).toBe('PRODUCER_DELIVERY_TIMED_OUT')
    expect(rig.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(60_000)
    expect(code(rig.producer.error)).toBe('CLIENT_CLOSED')
  })

  test('fails after its time-out with records that are not written, and tells of which and why', async () => {
    const rig = await ProducerRig.open()
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'code', code: NOT_ENOUGH_REPLICAS } : undefined)
    append(await rig.topic(), 1, 'v')
    const closing = rig.producer.close({ timeoutMs: 1500 })
    await expect(rig.wait(closing, 1600)).rejects.toThrow(
      /closed after 1500 ms .* topic 'out', partition 1 \(.*NOT_ENOUGH_REPLICAS.*PRODUCER_DELIVERY_TIMED_OUT/
    )
    await expect(rig.producer.close()).rejects.toThrow(/PRODUCER_DELIVERY_TIMED_OUT/)
  })

  test('fails with the error that records were refused with, unless they were given up by abort', async () => {
    const rig = await ProducerRig.open()
    rig.kafka.partition('out', 0).maxMessageBytes = 300
    append(await rig.topic(), 0, 'x'.repeat(500))
    expect(await codeOf(rig, rig.producer.flush())).toBe('RECORD_TOO_LARGE')
    expect(await codeOf(rig, rig.producer.close())).toBe('RECORD_TOO_LARGE')

    const other = await ProducerRig.open()
    other.kafka.partition('out', 0).maxMessageBytes = 300
    append(await other.topic(), 0, 'x'.repeat(500))
    expect(await codeOf(other, other.producer.flush())).toBe('RECORD_TOO_LARGE')
    await other.wait(other.producer.abort())
    await other.wait(other.producer.close())
  })

  test('says nothing of a transaction that it could not end: its coordinator does', async () => {
    const rig = await ProducerRig.open({ transactionalId: 't' })
    append(await rig.topic(), 0, 'v')
    await rig.wait(rig.producer.flush())
    rig.kafka.fault = () => ({ kind: 'silent' })
    await rig.wait(rig.producer.close({ timeoutMs: 1000 }), 1100)
  })

  test('writes what was appended, and ends an open transaction', async () => {
    const plain = await ProducerRig.open()
    append(await plain.topic(), 0, 'v')
    await plain.wait(plain.producer.close())
    expect(plain.visible()[0]).toEqual(['v'])

    const rig = await ProducerRig.open({ transactionalId: 't' })
    append(await rig.topic(), 0, 'v')
    await rig.wait(rig.producer.flush())
    await rig.wait(rig.producer.close())
    expect(rig.kafka.transactions.get('t')!.state).toBe('CompleteAbort')
  })
})

describe.each([1, 2] as const)('transactions version %i', version => {
  const options = { transactionalId: 't', maxTransactionsVersion: version }

  test('keep to the versions that belong together', async () => {
    const rig = await ProducerRig.open(options)
    append(await rig.topic(), 0, 'v')
    await rig.wait(rig.producer.commit([{ ...INPUT, offset: 1 }], member()))
    const versions = Object.fromEntries(rig.kafka.requests.map(({ name, maxVersion }) => [name, maxVersion]))
    expect(versions).toMatchObject(
      version === 1
        ? { Produce: 11, TxnOffsetCommit: 4, EndTxn: 4, AddPartitionsToTxn: 3, AddOffsetsToTxn: 4 }
        : { Produce: 12, TxnOffsetCommit: 5, EndTxn: 5 }
    )
    expect('AddPartitionsToTxn' in versions).toBe(version === 1)
    expect(rig.visible()[0]).toEqual(['v'])
    expect(rig.kafka.group('g').committed.get('in-0')).toBe(1)
  })

  test('that are empty ask nothing of anybody', async () => {
    const rig = await ProducerRig.open(options)
    const before = rig.kafka.requests.length
    await rig.wait(rig.producer.commit([], member()))
    await rig.wait(rig.producer.abort())
    expect(rig.kafka.requests).toHaveLength(before)
  })

  test('hold back what is appended while one ends', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    append(appender, 0, 'first')
    const commit = rig.producer.commit([], member())
    append(appender, 0, 'second')
    const flush = rig.producer.flush()
    await rig.wait(commit)
    expect(rig.visible()[0]).toEqual(['first'])
    await rig.wait(flush)
    await rig.wait(rig.producer.abort())
    const abort = rig.producer.abort()
    append(appender, 0, 'third')
    await rig.wait(abort)
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()[0]).toEqual(['first', 'third'])
  })

  test('hold back without a time limit, which begins when the next transaction does', async () => {
    const rig = await ProducerRig.open({ ...options, deliveryTimeoutMs: 2000 })
    const appender = await rig.topic()
    append(appender, 0, 'first')
    const untilMs = rig.clock.monotonicMs() + 5000
    rig.kafka.fault = ({ name, atMs }) => (name === 'TxnOffsetCommit' && atMs < untilMs ? { kind: 'lost' } : undefined)
    const commit = rig.producer.commit([{ ...INPUT, offset: 1 }], member())
    append(appender, 0, 'second')
    append(appender, 1, 'second')
    void rig.producer.flush()
    append(appender, 1, 'third')
    await rig.wait(commit)
    expect(rig.clock.monotonicMs()).toBeGreaterThanOrEqual(untilMs)
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()).toEqual([['first', 'second'], ['second', 'third'], []])
  })

  test('abort only when nothing is on its way any more', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    rig.kafka.fault = ({ name }) => (name === 'Produce' ? { kind: 'stalled' } : undefined)
    append(appender, 0, 'a')
    await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(10, resolve)))
    const abortedMs = rig.clock.monotonicMs()
    await rig.wait(rig.producer.abort())
    const end = rig.kafka.requests.find(({ name }) => name === 'EndTxn')!
    expect(end.atMs).toBe(produces(rig)[0]!.atMs + 20)
    expect(end.atMs).toBeGreaterThan(abortedMs)
  })

  test('are unknown when the first commit is not answered and the second finds no transaction', async () => {
    const rig = await ProducerRig.open(options)
    append(await rig.topic(), 0, 'a')
    let ends = 0
    rig.kafka.fault = ({ name }) => {
      if (name !== 'EndTxn') return undefined
      return ends++ === 0 ? { kind: 'unanswered' } : { kind: 'code', code: INVALID_TXN_STATE }
    }
    expect(await codeOf(rig, rig.producer.commit([], member()))).toBe('TASK_COMMIT_UNKNOWN')
  })

  test('survive a coordinator that meets an error it did not expect, as one that was frozen and replaced', async () => {
    for (const [api, carriedOut] of [
      ['TxnOffsetCommit', false],
      ['TxnOffsetCommit', true],
      ['EndTxn', false],
      ['EndTxn', true]
    ] as const) {
      const rig = await ProducerRig.open(options)
      const appender = await rig.topic()
      let failures = 2
      rig.kafka.fault = ({ name }) =>
        name === api && failures-- > 0 ? { kind: 'code', code: UNKNOWN_SERVER_ERROR, carriedOut } : undefined
      append(appender, 0, 'first')
      await rig.wait(rig.producer.commit([{ ...INPUT, offset: 1 }], member()))
      expect(failures).toBeLessThan(0)
      expect(rig.visible()[0]).toEqual(['first'])
      expect(rig.kafka.group('g').committed.get('in-0')).toBe(1)
    }
  })

  test('are unknown when the coordinator met such an error, and then finds no transaction', async () => {
    const rig = await ProducerRig.open(options)
    append(await rig.topic(), 0, 'a')
    let ends = 0
    rig.kafka.fault = ({ name }) => {
      if (name !== 'EndTxn') return undefined
      return { kind: 'code', code: ends++ === 0 ? UNKNOWN_SERVER_ERROR : INVALID_TXN_STATE }
    }
    expect(await codeOf(rig, rig.producer.commit([], member()))).toBe('TASK_COMMIT_UNKNOWN')
  })

  test('are unknown when it meets nothing else; reset goes on', async () => {
    const rig = await ProducerRig.open({ ...options, maxBlockMs: 10_000 })
    const appender = await rig.topic()
    rig.kafka.fault = ({ name }) => (name === 'EndTxn' ? { kind: 'code', code: UNKNOWN_SERVER_ERROR } : undefined)
    append(appender, 0, 'first')
    expect(await codeOf(rig, rig.producer.commit([{ ...INPUT, offset: 1 }], member()))).toBe('TASK_COMMIT_UNKNOWN')
    rig.kafka.fault = () => undefined
    await rig.wait(rig.producer.reset())
    append(appender, 0, 'second')
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()[0]).toEqual(['second'])
  })

  test('stay sound when the group refuses the generation: commit again with a newer one', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    rig.kafka.group('g').generationId = 2
    append(appender, 0, 'first')
    expect(await codeOf(rig, rig.producer.commit([{ ...INPUT, offset: 1 }], member(1)))).toBe('TASK_MIGRATED')
    expect(rig.producer.error).toBeUndefined()
    append(appender, 0, 'held back')
    await rig.wait(rig.producer.commit([{ ...INPUT, offset: 1 }], member(2)))
    expect(rig.visible()[0]).toEqual(['first'])
    expect(rig.kafka.group('g').committed.get('in-0')).toBe(1)
    await rig.wait(rig.producer.commit([], member(2)))
    expect(rig.visible()[0]).toEqual(['first', 'held back'])
  })

  test('stay sound while the group rebalances: abort', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    rig.kafka.fault = ({ name }) =>
      name === 'TxnOffsetCommit' ? { kind: 'code', code: REBALANCE_IN_PROGRESS } : undefined
    append(appender, 0, 'first')
    expect(await codeOf(rig, rig.producer.commit([{ ...INPUT, offset: 1 }], member()))).toBe('TASK_MIGRATED')
    append(appender, 0, 'dropped too')
    await rig.wait(rig.producer.abort())
    append(appender, 0, 'next')
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()[0]).toEqual(['next'])
    expect(rig.kafka.group('g').committed.size).toBe(0)
  })

  test('are unknown when the commit is never answered; reset tells, and goes on', async () => {
    for (const kind of ['lost', 'unanswered'] as const) {
      const rig = await ProducerRig.open({ ...options, maxBlockMs: 10_000 })
      const appender = await rig.topic()
      rig.kafka.fault = ({ name }) => (name === 'EndTxn' ? { kind } : undefined)
      append(appender, 0, 'first')
      const beganMs = rig.clock.monotonicMs()
      expect(await codeOf(rig, rig.producer.commit([{ ...INPUT, offset: 1 }], member()))).toBe('TASK_COMMIT_UNKNOWN')
      expect(rig.clock.monotonicMs() - beganMs).toBeLessThan(11_000)
      expect(await codeOf(rig, rig.producer.abort())).toBe('TASK_COMMIT_UNKNOWN')
      rig.kafka.fault = () => undefined
      await rig.wait(rig.producer.reset())
      const committed = kind === 'unanswered'
      expect(rig.kafka.group('g').committed.get('in-0')).toBe(committed ? 1 : undefined)
      append(appender, 0, 'second')
      await rig.wait(rig.producer.commit([], member()))
      expect(rig.visible()[0]).toEqual(committed ? ['first', 'second'] : ['second'])
    }
  })

  test('are fenced by a second producer of the id; reset takes it over again', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    append(appender, 0, 'zombie')
    await rig.wait(rig.producer.flush())
    const second = await rig.create(options)
    expect(await codeOf(rig, rig.producer.commit([{ ...INPUT, offset: 1 }], member()))).toBe('PRODUCER_FENCED')
    expect(await codeOf(rig, rig.producer.abort())).toBe('PRODUCER_FENCED')
    expect(() => append(appender, 0, 'v')).toThrow(/PRODUCER_FENCED/)
    await rig.wait(rig.producer.reset())
    append(appender, 0, 'back')
    await rig.wait(rig.producer.commit([], member()))
    expect(rig.visible()[0]).toEqual(['back'])
    append(await rig.wait(second.topic('out')), 0, 'late')
    expect(await codeOf(rig, second.commit([], member()))).toBe('PRODUCER_FENCED')
  })

  test('add each partition once, several in one request, and not again in the next while it is not written to', async () => {
    const rig = await ProducerRig.open(options)
    const appender = await rig.topic()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) append(appender, i, `v${round}`)
      await rig.wait(rig.producer.flush())
      append(appender, 1, 'more')
      await rig.wait(rig.producer.commit([], member()))
    }
    append(appender, 2, 'alone')
    await rig.wait(rig.producer.commit([], member()))
    const added = rig.kafka.requests
      .filter(({ name }) => name === 'AddPartitionsToTxn')
      .map(({ body }) => body.v3AndBelowTopics[0].partitions.toSorted())
    // Retries while the transaction before still ends are the same again.
    expect(added.filter((partitions, i) => String(partitions) !== String(added[i - 1]))).toEqual(
      version === 1 ? [[0, 1, 2], [2]] : []
    )
    expect(rig.visible().map(({ length }) => length)).toEqual([2, 4, 3])
  })
})

test('a partition that is being added to a transaction is not asked for again: the answer could come in the next', async () => {
  const rig = await ProducerRig.open({ transactionalId: 't', maxTransactionsVersion: 1 })
  const appender = await rig.topic()
  let additions = 0
  rig.kafka.fault = ({ name }) =>
    name === 'AddPartitionsToTxn' && ++additions === 2 ? { kind: 'unanswered' } : undefined
  for (let round = 0; round < 3; round++) {
    append(appender, 0, 'asks for its partition')
    void rig.producer.flush()
    await new Promise(resolve => setImmediate(resolve))
    append(appender, 0, 'finds the partition being added')
    await rig.wait(rig.producer.commit([], member()), 10_000)
  }
  expect(rig.visible()[0]).toHaveLength(6)
  const names = rig.kafka.requests.map(({ name }) => name).filter(name => name.endsWith('Txn'))
  // Some are sent again: the second, and what comes while the transaction before still ends.
  const [add, end] = ['AddPartitionsToTxn', 'EndTxn']
  expect(names.filter((name, i) => name !== names[i - 1])).toEqual([add, end, add, end, add, end])
})

test('a batch that was dropped while it was on its way is dropped once: what comes after a second reset is waited for', async () => {
  const rig = await ProducerRig.open({ transactionalId: 't' })
  const appender = await rig.topic()
  let slow = true
  const underWay = new Promise<void>(resolve => {
    rig.kafka.fault = ({ name }) => {
      if (name !== 'Produce' || !slow) return undefined
      slow = false
      resolve()
      return { kind: 'stalled' }
    }
  })
  append(appender, 0, 'dropped')
  rig.producer.flush().catch(() => {})
  await rig.wait(underWay)
  await rig.wait(rig.producer.reset())
  await rig.wait(rig.producer.reset())
  let lost = false
  rig.kafka.fault = ({ name }) => {
    if (name !== 'Produce' || lost) return undefined
    lost = true
    return { kind: 'lost' }
  }
  append(appender, 1, 'sent again')
  await rig.wait(rig.producer.commit([], member()))
  expect(rig.visible()).toEqual([[], ['sent again'], []])
})

test('a handler of refusals that throws fails the producer, not the process', async () => {
  const rig = await ProducerRig.open({
    onRejected: () => {
      throw new Error('from the user')
    }
  })
  rig.kafka.partition('out', 0).maxMessageBytes = 300
  append(await rig.topic(), 0, 'x'.repeat(500))
  expect(await codeOf(rig, rig.producer.flush())).toBe('RECORD_TOO_LARGE')
  await rig.wait(rig.producer.reset())
  append(await rig.topic(), 0, 'after the reset')
  await rig.wait(rig.producer.flush())
  expect(rig.visible()[0]).toEqual(['after the reset'])
})

test('a coordinator that cannot be reached ends in an error that asks for abort, and abort can be tried again', async () => {
  const rig = await ProducerRig.open({
    transactionalId: 't',
    maxTransactionsVersion: 1,
    deliveryTimeoutMs: 60_000,
    maxBlockMs: 5000
  })
  const appender = await rig.topic()
  append(appender, 0, 'a')
  await rig.wait(rig.producer.flush())
  rig.kafka.fault = ({ name }) => (name === 'Produce' ? undefined : { kind: 'lost' })
  append(appender, 1, 'b')
  const error = await rig.wait(
    rig.producer.commit([{ ...INPUT, offset: 1 }], member()).catch((failure: unknown) => failure)
  )
  expect(error).toMatchObject({ action: 'abort-transaction' })
  expect(await codeOf(rig, rig.producer.abort())).toBe('CLIENT_REQUEST_TIMED_OUT')
  rig.kafka.fault = () => undefined
  await rig.wait(rig.producer.abort())
  append(appender, 1, 'c')
  await rig.wait(rig.producer.commit([], member()))
  expect(rig.visible()).toEqual([[], ['c'], []])
})

describe('a topic that is not what it was', () => {
  const pass = (rig: ProducerRig, ms: number) =>
    rig.wait(new Promise<void>(resolve => rig.clock.setTimer(ms, resolve)), ms + 1000)

  test('has its five seconds again when it is missing again', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    append(appender, 0, 'a')
    await rig.wait(rig.producer.flush())
    for (let round = 0; round < 2; round++) {
      rig.kafka.deleteTopic('out')
      append(appender, 0, 'b')
      const beganMs = rig.clock.monotonicMs()
      expect(await codeOf(rig, rig.producer.flush())).toBe('TOPIC_MISSING')
      expect(rig.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(5000)
      await rig.wait(rig.producer.abort())
    }
    await pass(rig, 600_000)
    // Made anew, and the broker that is asked first has not heard of it.
    append(appender, 0, 'c')
    rig.clock.setTimer(200, () => rig.kafka.addTopic('out', 3))
    await rig.wait(rig.producer.flush())
    expect(rig.visible()[0]).toContain('c')
  })

  test('refuses a record for a partition that is gone, also when it finds that out with this record', async () => {
    const rig = await ProducerRig.open()
    const appender = await rig.topic()
    append(appender, 2, 'a')
    await rig.wait(rig.producer.flush())
    rig.kafka.deleteTopic('out')
    rig.kafka.addTopic('out', 1)
    rig.kafka.topicIds.set('out', 'another')
    expect(() => append(appender, 2, 'b')).toThrow(/has 1 partitions, but a record is for partition 2/)
    append(appender, 0, 'c')
    await rig.wait(rig.producer.flush())
    expect(rig.visible()).toEqual([['c']])
  })
})

test('nothing can be appended once close was called, and what was before is written', async () => {
  const rig = await ProducerRig.open({ lingerMs: 1000 })
  const appender = await rig.topic()
  append(appender, 0, 'a')
  const closing = rig.producer.close()
  expect(() => append(appender, 1, 'b')).toThrow(expect.objectContaining({ code: 'CLIENT_CLOSED' }))
  await rig.wait(closing)
  expect(rig.visible()).toEqual([['a'], [], []])
})
