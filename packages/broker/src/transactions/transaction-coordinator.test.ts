import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import { TransactionRig } from './test-support/transaction-rig.ts'

const LAST_EPOCH = 32_766

describe('producer ids', () => {
  it('are each given out once, also over restarts', () => {
    const rig = new TransactionRig()
    const given = [rig.init(null), rig.init(null), rig.init('id'), rig.restart().init(null)]
    expect(given.every(({ errorCode, producerEpoch }) => errorCode === 0 && producerEpoch === 0)).toBe(true)
    expect(new Set(given.map(({ producerId }) => producerId)).size).toBe(4)
  })

  it('stay with a transactional id, one epoch on', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    expect(rig.init()).toEqual({ ...first, producerEpoch: 1 })
    expect(rig.restart().init()).toEqual({ ...first, producerEpoch: 2 })
  })

  it('are refused for an empty id, a time-out out of bounds, and half an identity', () => {
    const rig = new TransactionRig()
    expect(rig.init('').errorCode).toBe(ErrorCode.INVALID_REQUEST)
    expect(rig.init('id', undefined, 900_001).errorCode).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    expect(rig.init('id', undefined, 0).errorCode).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    expect(rig.init('id', { producerId: 3n, producerEpoch: -1 }).errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })

  it('go on in the next epoch after an error, and repeat a lost answer (KIP-360)', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    const next = rig.init('id', first)
    expect(next).toEqual({ ...first, producerEpoch: 1 })
    expect(rig.init('id', first)).toEqual(next)
    expect(rig.init('id', { ...first, producerId: 77n }).errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('do not go on once another producer came', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    rig.init()
    expect(rig.init('id', first).errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('are followed by another when their epochs are used up', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    for (let epoch = 1; epoch <= LAST_EPOCH; epoch++) rig.init()
    const next = rig.init()
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(next.producerId).not.toBe(first.producerId)
  })

  it('are followed by another when a producer goes on beyond the last epoch, and repeat that answer too', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    for (let epoch = 1; epoch <= LAST_EPOCH; epoch++) rig.init()
    const last = { ...first, producerEpoch: LAST_EPOCH }
    const next = rig.init('id', last)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(rig.init('id', last)).toEqual(next)
  })
})

describe('a transaction', () => {
  it('begins with its first partition, writes its markers before it answers, and is then over', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    expect(rig.state).toBe('Empty')
    expect([rig.add(producer, 't', 0), rig.add(producer, 't', 1), rig.add(producer, '__consumer_offsets', 4)]).toEqual([
      0, 0, 0
    ])
    expect(rig.state).toBe('Ongoing')
    const next = rig.end(producer)
    expect(rig.ends).toEqual([
      `commit t-0 as ${producer.producerId}/1`,
      `commit t-1 as ${producer.producerId}/1`,
      `commit offsets of ${producer.producerId}`
    ])
    expect(rig.state).toBe('CompleteCommit')
    expect(next).toEqual({ ...producer, producerEpoch: 1 })
  })

  it('keeps its epoch with clients of transactions v1', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    expect(rig.end(producer, false, false)).toEqual(producer)
    expect(rig.ends).toEqual([`abort t-0 as ${producer.producerId}/0`])
    // A repeated request is told by the state.
    expect(rig.end(producer, false, false).errorCode).toBe(ErrorCode.NONE)
    expect(rig.end(producer, true, false).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.add(producer)).toBe(ErrorCode.NONE)
  })

  it('tells a repeated end from the next by its epoch (KIP-890)', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    const next = rig.end(producer)
    expect(rig.end(producer)).toEqual(next)
    expect(rig.end(producer, false).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.ends).toHaveLength(1)
    expect(rig.end(next).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.end({ ...producer, producerEpoch: 5 }).errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('may be aborted where none runs, for its beginning may be lost on the way (KIP-890)', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    const next = rig.end(producer, false)
    expect(next).toEqual({ ...producer, producerEpoch: 1 })
    expect(rig.add(producer)).toBe(ErrorCode.PRODUCER_FENCED)
    expect(rig.end(next, false)).toEqual({ ...producer, producerEpoch: 2 })
    expect(rig.end({ ...producer, producerEpoch: 2 }).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  })

  it('goes on with another producer id when the epochs are used up by its end', () => {
    const rig = new TransactionRig()
    let producer = rig.init()
    while (producer.producerEpoch < LAST_EPOCH) producer = rig.init()
    rig.add(producer)
    const next = rig.end(producer)
    expect(rig.ends).toEqual([`commit t-0 as ${producer.producerId}/32767`])
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(next.producerId).not.toBe(producer.producerId)
    expect(rig.end(producer)).toEqual(next)
    expect(rig.add(next)).toBe(ErrorCode.NONE)
  })

  it('is refused to strangers', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    expect(rig.coordinator.addPartitions('', producer, [])).toBe(ErrorCode.INVALID_REQUEST)
    expect(rig.coordinator.addPartitions('none', producer, [])).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(rig.add({ ...producer, producerId: 99n })).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(rig.add({ ...producer, producerEpoch: 7 })).toBe(ErrorCode.PRODUCER_FENCED)
    expect(rig.end(producer).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.coordinator.endTransaction('none', producer, true, true).errorCode).toBe(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING
    )
  })

  it('is aborted when another producer takes the id, which learns of it first', () => {
    const rig = new TransactionRig()
    const old = rig.init()
    rig.add(old)
    expect(rig.init().errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(rig.ends).toEqual([`abort t-0 as ${old.producerId}/1`])
    expect(rig.add(old)).toBe(ErrorCode.PRODUCER_FENCED)
    // Under v2 the abort is one epoch on, as if the producer had asked for it: Kafka takes this for a repeated request.
    expect(rig.end(old).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.init()).toEqual({ ...old, producerEpoch: 2 })
    expect(rig.end(old).errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('leaves out the partitions of a topic that was deleted meanwhile', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer, 'gone')
    rig.add(producer, 'here')
    rig.missing.add('gone')
    expect(rig.end(producer).errorCode).toBe(ErrorCode.NONE)
    expect(rig.ends).toEqual([`commit here-0 as ${producer.producerId}/1`])
  })

  it('ends in its own time where markers are delayed, and refuses the next one until then', () => {
    const rig = new TransactionRig({ transactionMarkerDelayMs: 50 })
    const producer = rig.init()
    rig.add(producer)
    const next = rig.end(producer)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    expect(rig.state).toBe('PrepareCommit')
    expect(rig.add(next)).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(rig.init().errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(rig.end(producer).errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(rig.end(producer, false).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.ends).toEqual([])
    rig.clock.advance(50)
    expect(rig.ends).toHaveLength(1)
    expect(rig.add(next)).toBe(ErrorCode.NONE)
  })
})

describe('writes in a transaction', () => {
  const verify = (rig: TransactionRig, producer: { producerId: bigint; producerEpoch: number }, version: number) =>
    rig.coordinator.verifyProduce('id', { topic: 't', partition: 0, ...producer }, version)

  it('add their partition themselves from version 12 on, and before must find it', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    expect(verify(rig, producer, 9)).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(verify(rig, producer, 11)).toBe(ErrorCode.TRANSACTION_ABORTABLE)
    expect(verify(rig, producer, 12)).toBe(ErrorCode.NONE)
    expect(verify(rig, producer, 9)).toBe(ErrorCode.NONE)
    expect(rig.coordinator.describe('id').topics).toEqual([{ topic: 't', partitions: [0] }])
  })

  it('are fenced in the words of Produce', () => {
    const rig = new TransactionRig({ transactionMarkerDelayMs: 50 })
    const producer = rig.init()
    rig.add(producer)
    const fenced = { ...producer, producerEpoch: 7 }
    expect(verify(rig, fenced, 12)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(verify(rig, fenced, 9)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    const next = rig.end(producer)
    expect(verify(rig, next, 12)).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(verify(rig, next, 11)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(rig.coordinator.verifyProduce(null, { topic: 't', partition: 0, ...producer }, 12)).toBe(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    )
  })
})

describe('time', () => {
  it('aborts a transaction at its time-out and fences its producer', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    rig.clock.advance(30_000)
    rig.add(producer, 'u')
    rig.clock.advance(29_999)
    expect(rig.state).toBe('Ongoing')
    rig.clock.advance(1)
    expect(rig.state).toBe('CompleteAbort')
    expect(rig.ends).toEqual([`abort t-0 as ${producer.producerId}/1`, `abort u-0 as ${producer.producerId}/1`])
    expect(rig.end(producer).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(rig.add(producer)).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('does not time out what has ended', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    rig.end(producer)
    rig.clock.advance(60_000)
    expect(rig.ends).toHaveLength(1)
  })

  it('forgets ids that nobody has used for long', () => {
    const rig = new TransactionRig()
    rig.init()
    rig.clock.advance(604_800_000 + 3_600_000)
    expect(rig.coordinator.describe('id').errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    expect(rig.restart().coordinator.describe('id').errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  })
})

describe('after a restart', () => {
  it('ends what was decided', () => {
    const rig = new TransactionRig({ transactionMarkerDelayMs: 50 })
    const producer = rig.init()
    rig.add(producer)
    rig.end(producer)
    const next = rig.restart()
    expect(next.ends).toEqual([`commit t-0 as ${producer.producerId}/1`])
    expect(next.state).toBe('CompleteCommit')
  })

  it('lets what runs go on until its time-out', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    rig.clock.advance(50_000)
    const next = rig.restart()
    expect(next.add(producer, 'u')).toBe(ErrorCode.NONE)
    next.clock.advance(10_000)
    expect(next.state).toBe('CompleteAbort')
    expect(next.ends).toHaveLength(2)
  })

  it('goes on from a rewritten journal', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.journal.isLarge = true
    rig.add(producer)
    expect(rig.journal.lines).toHaveLength(3)
    const next = rig.restart()
    expect(next.end(producer)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    expect(next.init('other').producerId).toBeGreaterThan(producer.producerId)
  })
})

describe('administration', () => {
  it('describes and lists by state, producer, duration and pattern', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.init('idle')
    rig.add(producer, 't', 1)
    rig.clock.advance(5000)
    expect(rig.coordinator.describe('id')).toMatchObject({
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: 1_000_000,
      topics: [{ topic: 't', partitions: [1] }]
    })
    const all = { states: [], producerIds: [], durationMs: -1, pattern: null }
    const ids = (filter: Partial<Parameters<typeof rig.coordinator.list>[0]>) =>
      rig.coordinator.list({ ...all, ...filter }).transactionStates.map(({ transactionalId }) => transactionalId)
    expect(ids({})).toEqual(['id', 'idle'])
    expect(ids({ states: ['Ongoing'] })).toEqual(['id'])
    expect(ids({ producerIds: [producer.producerId] })).toEqual(['id'])
    expect(ids({ pattern: /^id.+$/ })).toEqual(['idle'])
    expect(ids({ durationMs: 5000 })).toEqual(['idle'])
    expect(rig.coordinator.list({ ...all, states: ['Odd', 'Dead'] })).toEqual({
      unknownStateFilters: ['Odd'],
      transactionStates: []
    })
  })

  it('fences a producer at the wish of a test', () => {
    const rig = new TransactionRig()
    const producer = rig.init()
    rig.add(producer)
    expect(rig.coordinator.fenceProducer('id')).toBe(true)
    expect(rig.ends).toHaveLength(1)
    expect(rig.add(producer)).toBe(ErrorCode.PRODUCER_FENCED)
    expect(rig.coordinator.fenceProducer('none')).toBe(false)
  })
})

describe('a disk that is full', () => {
  it('refuses to end a transaction while the decision cannot be written, and ends it once it can', () => {
    const rig = new TransactionRig()
    const producer = rig.initialised()
    rig.add(producer)
    rig.journal.failsAfter = 0
    expect(() => rig.end(producer)).toThrow(StorageError)
    expect(rig.ends).toEqual([])
    expect(rig.end(producer).errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    rig.clock.advance(1000)
    expect(rig.state).toBe('CompleteCommit')
    expect(rig.ends).toEqual([`commit t-0 as ${producer.producerId}/1`])
    expect(rig.end(producer)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
  })

  it('does not undo an end that is decided and marked, and comes to it again after a restart', () => {
    const rig = new TransactionRig()
    const producer = rig.initialised()
    rig.add(producer)
    rig.journal.failsAfter = 1
    expect(rig.end(producer).errorCode).toBe(0)
    rig.clock.advance(1000)
    expect(rig.ends).toHaveLength(1)
    expect(rig.restart().state).toBe('CompleteCommit')
  })

  it('adds no partition that is not written down', () => {
    const rig = new TransactionRig()
    const producer = rig.initialised()
    rig.journal.failsAfter = 0
    expect(() => rig.add(producer)).toThrow(StorageError)
    expect(rig.state).toBe('Empty')
    const partition = { topic: 't', partition: 0 }
    expect(rig.coordinator.verifyPartition('id', producer, partition)).toBe(ErrorCode.TRANSACTION_ABORTABLE)
    rig.add(producer, 'u')
    rig.journal.failsAfter = 0
    expect(() => rig.add(producer)).toThrow(StorageError)
    rig.end(producer)
    expect(rig.ends).toEqual([`commit u-0 as ${producer.producerId}/1`])
  })

  it('gives out no identity that is not written down', () => {
    const rig = new TransactionRig()
    const first = rig.init()
    rig.journal.failsAfter = 0
    expect(() => rig.init()).toThrow(StorageError)
    expect(rig.add(first)).toBe(ErrorCode.NONE)
    rig.journal.failsAfter = 0
    expect(() => rig.init('other')).toThrow(StorageError)
    expect(rig.coordinator.describe('other').errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  })

  it('gives out no producer id twice', () => {
    const rig = new TransactionRig()
    rig.journal.failsAfter = 0
    expect(() => rig.init(null)).toThrow(StorageError)
    const given = [rig.init(null), rig.restart().init(null)].map(({ producerId }) => producerId)
    expect(given[0]).not.toBe(given[1])
  })

  it('starts, and ends what was decided once there is room', () => {
    const rig = new TransactionRig({ transactionMarkerDelayMs: 1000 })
    const producer = rig.initialised()
    rig.add(producer)
    rig.end(producer)
    const next = rig.restart(true)
    expect(next.state).toBe('PrepareCommit')
    next.diskIsFull = false
    next.clock.advance(1000)
    expect(next.state).toBe('CompleteCommit')
    expect(next.ends).toHaveLength(1)
  })

  it('goes on forgetting ids', () => {
    const config = { transactionalIdExpirationMs: 1000, transactionalIdCleanupIntervalMs: 2000 }
    const rig = new TransactionRig(config)
    rig.init()
    rig.journal.failsAfter = 0
    expect(() => rig.clock.advance(2000)).toThrow(StorageError)
    expect(rig.state).toBe('Empty')
    rig.clock.advance(2000)
    expect(rig.coordinator.describe('id').errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  })
})
