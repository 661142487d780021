import { isStreamsError } from '@millrace/streams/core'
import { describe, expect, test } from 'vitest'
import type { ClientProducerOptions } from './producer-options.ts'
import type { Fault } from './test-support/fake-kafka.ts'
import { append, ProducerRig } from './test-support/producer-rig.ts'

// Break the N-th request, for every N, in every way; then look at what the broker holds.

const NOT_LEADER_OR_FOLLOWER = 6
const REQUEST_TIMED_OUT = 7
const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const INVALID_TXN_STATE = 48
const TRANSACTION_ABORTABLE = 120
const INVALID_PRODUCER_EPOCH = 47

type Named = readonly [name: string, fault: Fault]

const UNANSWERED: readonly Named[] = [
  ['lost', { kind: 'lost' }],
  ['carried out but not answered', { kind: 'unanswered' }],
  ['carried out and found unanswered after others were', { kind: 'stalled' }],
  ['duplicated', { kind: 'duplicated' }]
]
const LATE: Named = ['not answered and carried out late', { kind: 'late' }]

/** How many requests in a row are broken. */
const LENGTHS = [1, 3]

describe('idempotent', () => {
  const faults: readonly Named[] = [
    ...UNANSWERED,
    LATE,
    ['NOT_LEADER_OR_FOLLOWER', { kind: 'code', code: NOT_LEADER_OR_FOLLOWER }],
    ['REQUEST_TIMED_OUT', { kind: 'code', code: REQUEST_TIMED_OUT, carriedOut: true }],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', { kind: 'code', code: NOT_ENOUGH_REPLICAS_AFTER_APPEND, carriedOut: true }]
  ]
  test.each(faults)('writes each record once and in order when any request is %s', async (_name, fault) => {
    const requestCount = await idempotentRun(undefined)
    expect(requestCount).toBeGreaterThan(30)
    for (const length of LENGTHS) {
      for (let n = 0; n < requestCount; n++) await idempotentRun({ fault, n, length })
    }
  })
})

describe.each([1, 2] as const)('transactions version %i', version => {
  const options: ClientProducerOptions = { maxTransactionsVersion: version }
  const faults: readonly Named[] = [
    ...UNANSWERED,
    ['COORDINATOR_NOT_AVAILABLE', { kind: 'code', code: COORDINATOR_NOT_AVAILABLE }],
    ['NOT_COORDINATOR', { kind: 'code', code: NOT_COORDINATOR }],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', { kind: 'code', code: OUT_OF_ORDER_SEQUENCE_NUMBER }],
    ['INVALID_TXN_STATE', { kind: 'code', code: INVALID_TXN_STATE }],
    ['TRANSACTION_ABORTABLE', { kind: 'code', code: TRANSACTION_ABORTABLE }],
    ['INVALID_PRODUCER_EPOCH', { kind: 'code', code: INVALID_PRODUCER_EPOCH }],
    // With version 1 a late EndTxn can end the next transaction, whatever a client does: KIP-890 tells why version 2 exists.
    ...(version === 2 ? [LATE] : [])
  ]
  test.each(faults)('processes each input exactly once when any request is %s', async (_name, fault) => {
    const requestCount = await transactionalRun(options, undefined)
    expect(requestCount).toBeGreaterThan(30)
    for (const length of LENGTHS) {
      for (let n = 3; n < requestCount; n++) await transactionalRun(options, { fault, n, length })
    }
  })

  test('processes each input exactly once when the coordinator ends the transaction before any request', async () => {
    const requestCount = await transactionalRun(options, undefined)
    for (let n = 3; n < requestCount; n++) await transactionalRun(options, { n, length: 1, timedOut: true })
  })
})

test('commits the offsets of a group after all records are acknowledged, without transactions, whatever request is lost', async () => {
  for (const [, fault] of UNANSWERED) {
    for (let n = 0; n < 8; n++) {
      const rig = new ProducerRig()
      rig.kafka.addTopic('out', 3)
      rig.kafka.fault = request => (request.number === n ? fault : undefined)
      rig.producer = await rig.create({})
      const appender = await rig.topic()
      for (let i = 0; i < 30; i++) append(appender, i % 3, `v${i}`)
      await rig.wait(rig.producer.commit([{ topic: 'in', partition: 0, offset: 30, metadata: '' }], member(1)))
      expect(rig.visible().flat()).toHaveLength(30)
      expect(rig.kafka.group('g').committed).toEqual(new Map([['in-0', 30]]))
    }
  }
})

interface Breakage {
  readonly fault?: Fault
  readonly n: number
  readonly length: number
  readonly timedOut?: boolean
}

/** Appends in bursts to three partitions on two brokers; checks the logs; returns how many requests it took. */
async function idempotentRun(breakage: Breakage | undefined): Promise<number> {
  const rig = new ProducerRig()
  rig.kafka.addTopic('out', 3)
  rig.kafka.fault = ({ number }) =>
    breakage?.fault !== undefined && number >= breakage.n && number < breakage.n + breakage.length
      ? breakage.fault
      : undefined
  const label = breakage === undefined ? 'unbroken' : `request ${breakage.n}, ${breakage.length} in a row`
  // Each record lies where it was appended, so what is delivered next begins where the last ended.
  const delivered = [0, 0, 0]
  const onDelivered = (_topic: string, partition: number, baseOffset: number, recordCount: number) => {
    if (baseOffset >= 0) expect(baseOffset, label).toBe(delivered[partition])
    delivered[partition]! += recordCount
  }
  rig.producer = await rig.create({ batchBytes: 200, maxRequestBytes: 700, onDelivered })
  const appender = await rig.topic()
  for (let i = 0; i < 300; i++) {
    append(appender, i % 3, `value ${i}`)
    if (i % 100 !== 99) continue
    await rig.wait(rig.producer.flush())
    expect(
      delivered.reduce((sum, count) => sum + count),
      label
    ).toBe(i + 1)
  }
  await rig.wait(rig.producer.flush())
  expect(rig.visible(), label).toEqual(expectedOutput(300))
  expect(rig.kafka.maxConcurrentProduces).toBeGreaterThan(2)
  for (let partition = 0; partition < 3; partition++) {
    expect(appender.ackedEndOffset(partition)).toBe(rig.kafka.partition('out', partition).endOffset)
    expect(delivered[partition], label).toBe(100)
  }
  await rig.wait(rig.producer.close())
  return rig.kafka.requests.length
}

const INPUTS = 120
const PER_TRANSACTION = 30

/**
 * Copies inputs to outputs as the runtime does: each transaction with the input's offset; after an error abort or reset, then on
 * from the committed offset. One transaction is aborted on purpose, and records are appended while commits are under way.
 */
async function transactionalRun(options: ClientProducerOptions, breakage: Breakage | undefined): Promise<number> {
  const rig = new ProducerRig()
  const { kafka } = rig
  kafka.addTopic('out', 3)
  kafka.fault = ({ number }) => {
    if (breakage === undefined || number < breakage.n || number >= breakage.n + breakage.length) return undefined
    if (breakage.timedOut) {
      const transaction = kafka.transactions.get('t')
      if (transaction?.state === 'Ongoing') transaction.fence()
      return undefined
    }
    return breakage.fault
  }
  const label = breakage === undefined ? 'unbroken' : `request ${breakage.n}, ${breakage.length} in a row`
  rig.producer = await rig.create({ transactionalId: 't', batchBytes: 200, maxRequestBytes: 700, ...options })
  const { producer } = rig
  const appender = await rig.topic()
  const committedOffset = (): number => kafka.group('g').committed.get('in-0') ?? 0

  let position = 0
  let appended = 0
  let abortedOnce = false
  const process = (end: number): void => {
    for (; appended < end; appended++) append(appender, appended % 3, `value ${appended}`)
  }
  for (let attempt = 0; position < INPUTS; attempt++) {
    if (attempt > 40) throw new Error(`${label}: no progress`)
    try {
      process(position + PER_TRANSACTION)
      if (position === 60 && !abortedOnce) {
        abortedOnce = true
        // Some of it is on its way when it is aborted.
        await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(40, resolve)))
        await rig.wait(producer.abort())
        appended = position = committedOffset()
        continue
      }
      const offset = position + PER_TRANSACTION
      const commit = producer.commit([{ topic: 'in', partition: 0, offset, metadata: '' }], member(1))
      commit.catch(() => {})
      // What is appended from here on is the next transaction's.
      if (offset < INPUTS) process(offset + 10)
      await rig.wait(commit)
      position = offset
    } catch (error) {
      if (!isStreamsError(error)) throw error
      await recover(rig, label)
      appended = position = committedOffset()
    }
  }
  expect(rig.visible(), label).toEqual(expectedOutput(INPUTS))
  if (breakage === undefined) {
    expect([...kafka.partitions.values()].every(({ log }) => log.some(({ state }) => state === 'aborted'))).toBe(true)
  }
  await rig.wait(producer.close())
  return kafka.requests.length
}

async function recover(rig: ProducerRig, label: string): Promise<void> {
  for (let attempt = 0; attempt <= 10; attempt++) {
    try {
      await rig.wait(attempt % 2 === 0 ? rig.producer.abort() : rig.producer.reset())
      return
    } catch (error) {
      if (!isStreamsError(error)) throw error
    }
  }
  throw new Error(`${label}: could not recover`)
}

function expectedOutput(count: number): string[][] {
  return [0, 1, 2].map(partition =>
    Array.from({ length: count }, (_, i) => i)
      .filter(i => i % 3 === partition)
      .map(i => `value ${i}`)
  )
}

function member(generationId: number) {
  return { groupId: 'g', generationId, memberId: 'm', groupInstanceId: undefined }
}
