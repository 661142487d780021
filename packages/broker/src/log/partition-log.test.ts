import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ErrorCode } from '../error-code.ts'
import { batchOf, LogRig, START_MS } from './test-support/log-rig.ts'

const TXN = { producerId: 9n, producerEpoch: 0, transactional: true }

for (const kind of ['memory', 'disk'] as const) {
  test(`${kind}: gives back what was appended, from any offset, over all segments`, () => {
    using rig = new LogRig(kind, { 'segment.bytes': '300' })
    for (let i = 0; i < 20; i++) {
      expect(rig.append([{ value: `a${i}` }, { value: `b${i}` }])).toMatchObject({ errorCode: 0, baseOffset: 2 * i })
    }
    expect(rig.log.segmentCount).toBeGreaterThan(5)
    const all = Array.from({ length: 40 }, (_, i) => `${i}:${i % 2 === 0 ? 'a' : 'b'}${i >> 1}`)
    for (let from = 0; from < 40; from++) expect(rig.values(from)).toEqual(all.slice(from))
  })

  test(`${kind}: bounds a read in bytes, but lets a first batch through when asked to`, () => {
    using rig = new LogRig(kind)
    rig.append([{ value: 'x'.repeat(1000) }])
    rig.append([{ value: 'y' }])
    expect(rig.log.read(0, 10, 'read_uncommitted', false)).toMatchObject({ sizeBytes: 0, records: [] })
    const { sizeBytes, records } = rig.log.read(0, 10, 'read_uncommitted', true)
    expect(sizeBytes).toBeGreaterThan(1000)
    expect(Buffer.concat(records)).toHaveLength(sizeBytes)
    expect(rig.log.read(0, sizeBytes + 30, 'read_uncommitted', true).sizeBytes).toBe(sizeBytes + 30)
    expect(rig.log.read(2, 1000, 'read_uncommitted', true).sizeBytes).toBe(0)
    expect(rig.log.availableBytes(0, 'read_uncommitted')).toBe(rig.log.sizeBytes)
  })

  test(`${kind}: keeps records of undecided and aborted transactions from committed readers`, () => {
    using rig = new LogRig(kind, { 'segment.bytes': '200' })
    rig.append([{ value: 'before' }])
    rig.append([{ value: 'aborted' }], { ...TXN, baseSequence: 0 })
    rig.append([{ value: 'between' }])
    expect([rig.log.lastStableOffset, rig.log.highWatermark]).toEqual([1, 3])
    expect(rig.values(0, 'read_committed')).toEqual(['0:before'])
    expect(rig.log.appendControl(9n, 0, 'abort')).toBe(0)
    rig.append([{ value: 'committed' }], { ...TXN, baseSequence: 1 })
    expect(rig.log.lastStableOffset).toBe(4)
    rig.log.appendControl(9n, 0, 'commit')
    expect(rig.values(0, 'read_committed')).toEqual(['0:before', '2:between', '4:committed'])
    expect(rig.values(1, 'read_committed')).toEqual(['2:between', '4:committed'])
    expect(rig.values(0)).toEqual(['0:before', '1:aborted', '2:between', '3:<abort>', '4:committed', '5:<commit>'])
    expect(rig.log.read(4, 1 << 20, 'read_committed', true).abortedTransactions).toEqual([])
  })

  test(`${kind}: deletes segments by age and by size, and tells the new start`, () => {
    using rig = new LogRig(kind, { 'segment.bytes': '100', 'retention.ms': '1000', 'retention.bytes': '-1' })
    rig.append([{ value: 'old' }])
    rig.clock.advance(900)
    rig.append([{ value: 'young' }])
    rig.clock.advance(200)
    rig.log.applyRetention()
    expect(rig.values()).toEqual(['1:young'])
    expect(rig.log.startOffset).toBe(1)
    rig.clock.advance(2000)
    rig.log.applyRetention()
    expect([rig.log.startOffset, rig.log.endOffset, rig.log.sizeBytes]).toEqual([2, 2, 0])
    rig.configure({ 'segment.bytes': '100', 'retention.bytes': '150' })
    for (let i = 0; i < 5; i++) rig.append([{ value: `v${i}` }])
    rig.log.applyRetention()
    // Three segments are more than that, two would be less.
    expect(rig.values()).toEqual(['4:v2', '5:v3', '6:v4'])
  })

  test(`${kind}: finds offsets by time, within batches and behind deleted records`, () => {
    using rig = new LogRig(kind, { 'segment.bytes': '200' })
    const at = (ms: number) => ({ timestampMs: START_MS + ms })
    rig.append([at(10), at(30), at(20)])
    rig.append([at(5), at(40)])
    rig.append([at(40), at(15)])
    const offsetAt = (ms: number) => rig.log.findTimestamp(START_MS + ms)?.offset
    expect([0, 11, 21, 31, 40, 41].map(offsetAt)).toEqual([0, 1, 1, 4, 4, undefined])
    expect(rig.log.findMaxTimestamp()).toMatchObject({ offset: 4, timestampMs: START_MS + 40 })
    rig.log.deleteBelow(5)
    expect([0, 16].map(offsetAt)).toEqual([5, 5])
    expect(rig.log.findMaxTimestamp()).toMatchObject({ offset: 5 })
    rig.log.deleteBelow(7)
    expect([offsetAt(0), rig.log.findMaxTimestamp()]).toEqual([undefined, undefined])
  })

  test(`${kind}: compaction keeps the newest record of each key, at its offset, and whatever is written to`, () => {
    using rig = new LogRig(kind, { 'cleanup.policy': 'compact', 'segment.bytes': '150', 'delete.retention.ms': '1000' })
    for (const [key, value] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['c', null],
      ['b', '2'],
      ['c', null],
      ['d', '1'],
      ['a', '3']
    ] as const) {
      rig.append([{ key, value }])
    }
    rig.log.compact()
    expect(rig.values()).toEqual(['4:2', '5:null', '6:1', '7:3'].toSpliced(0, 0, '2:2'))
    rig.clock.advance(1001)
    rig.log.compact()
    expect(rig.values()).toEqual(['2:2', '4:2', '6:1', '7:3'])
    expect(rig.log.endOffset).toBe(8)
  })

  test(`${kind}: compaction drops aborted records, then their marker, and keeps a producer's sequence`, () => {
    using rig = new LogRig(kind, { 'cleanup.policy': 'compact', 'segment.bytes': '100', 'delete.retention.ms': '1000' })
    rig.append([{ key: 'a', value: 'good' }])
    rig.append([{ key: 'a', value: 'bad' }], { ...TXN, baseSequence: 0 })
    rig.log.appendControl(9n, 0, 'abort')
    rig.append([{ key: 'b', value: 'kept' }], { ...TXN, producerId: 8n, baseSequence: 0 })
    rig.log.appendControl(8n, 0, 'commit')
    rig.append([{ key: 'z', value: 'last' }])
    rig.log.compact()
    expect(rig.values()).toEqual(['0:good', '2:<abort>', '3:kept', '4:<commit>', '5:last'])
    rig.clock.advance(1001)
    rig.append([{ key: 'z', value: 'later' }])
    rig.log.compact()
    // The marker of a transaction with records stays with them.
    expect(rig.values()).toEqual(['0:good', '3:kept', '4:<commit>', '6:later'].toSpliced(3, 0, '5:last'))
    expect(rig.values(0, 'read_committed')).toEqual(['0:good', '3:kept', '5:last', '6:later'])
    if (kind === 'disk') rig.reopen()
    expect(rig.log.lastStableOffset).toBe(rig.log.endOffset)
    expect(rig.append([{ key: 'c' }], { ...TXN, baseSequence: 0 })).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(rig.append([{ key: 'c' }], { ...TXN, baseSequence: 7 })).toMatchObject({
      errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    })
  })
}

test('recognises the last five batches of a producer, and refuses gaps and older epochs', () => {
  using rig = new LogRig('memory')
  const producer = { producerId: 4n, producerEpoch: 2 }
  for (let i = 0; i < 7; i++) {
    expect(rig.append([{}, {}], { ...producer, baseSequence: 2 * i })).toMatchObject({
      errorCode: 0,
      baseOffset: 2 * i
    })
  }
  expect(rig.append([{}, {}], { ...producer, baseSequence: 4 })).toMatchObject({ errorCode: 0, baseOffset: 4 })
  expect(rig.log.endOffset).toBe(14)
  const error = (baseSequence: number, producerEpoch = 2) =>
    rig.append([{}, {}], { producerId: 4n, producerEpoch, baseSequence }).errorCode
  expect(error(2)).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  expect(error(15)).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  expect(error(14, 1)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
  expect(error(14, 3)).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  expect(error(0, 3)).toBe(0)
  expect(rig.log.appendControl(4n, 2, 'abort')).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
})

test('goes on with sequence 0 behind the highest int32', () => {
  using rig = new LogRig('memory')
  const producer = { producerId: 4n, producerEpoch: 0 }
  rig.append([{}, {}], { ...producer, baseSequence: 2 ** 31 - 2 })
  expect(rig.append([{}], { ...producer, baseSequence: 0 })).toMatchObject({ errorCode: 0, baseOffset: 2 })
})

test('forgets producers that were idle for too long', () => {
  using rig = new LogRig('memory')
  rig.append([{}], { producerId: 4n, producerEpoch: 0, baseSequence: 0 })
  rig.clock.advance(86_400_001)
  rig.log.applyRetention()
  expect(rig.append([{}], { producerId: 4n, producerEpoch: 0, baseSequence: 50 })).toMatchObject({ errorCode: 0 })
})

test('remembers a producer of records that are old', () => {
  using rig = new LogRig('disk', { 'retention.ms': '-1' })
  const batch = { producerId: 5n, producerEpoch: 0, baseSequence: 0 }
  const records = [{ timestampMs: START_MS - 10 * 86_400_000 }]
  rig.append(records, batch)
  rig.log.applyRetention()
  expect(rig.append(records, batch).baseOffset).toBe(0)
  rig.reopen()
  rig.log.applyRetention()
  expect(rig.append(records, batch).baseOffset).toBe(0)
  expect(rig.log.endOffset).toBe(1)
})

test('describes its producers, also after it was opened again', () => {
  using rig = new LogRig('disk')
  rig.append([{}, {}], { producerId: 7n, producerEpoch: 1, baseSequence: 0 })
  rig.append([{}], { producerId: 8n, producerEpoch: 2, baseSequence: 0, transactional: true })
  rig.append([{}], { producerId: 9n, producerEpoch: 0, baseSequence: 0, transactional: true })
  rig.log.appendControl(9n, 1, 'abort')
  const lastTimestamp = rig.clock.nowMs()
  const described = [
    { producerId: 7n, producerEpoch: 1, lastSequence: 1, coordinatorEpoch: -1, currentTxnStartOffset: -1 },
    { producerId: 8n, producerEpoch: 2, lastSequence: 0, coordinatorEpoch: -1, currentTxnStartOffset: 2 },
    { producerId: 9n, producerEpoch: 1, lastSequence: -1, coordinatorEpoch: 0, currentTxnStartOffset: -1 }
  ].map(producer => ({ ...producer, lastTimestamp }))
  expect(rig.log.producers()).toEqual(described)
  rig.reopen()
  expect(rig.log.producers()).toEqual(described)
})

test('stamps records with the time of the append where the topic says so', () => {
  using rig = new LogRig('memory', { 'message.timestamp.type': 'LogAppendTime' })
  rig.clock.advance(77)
  const outcome = rig.append([{ timestampMs: 5 }, { timestampMs: 6 }])
  expect(outcome).toMatchObject({ errorCode: 0, logAppendTimeMs: START_MS + 77 })
  expect(rig.log.findTimestamp(0)).toMatchObject({ offset: 0, timestampMs: START_MS + 77 })
  expect(rig.values()).toEqual(['0:v', '1:v'])
})

test('refuses what Kafka refuses, and appends nothing of it', () => {
  using rig = new LogRig('memory', { 'max.message.bytes': '500' })
  const batch = (): Buffer => batchOf([{}], START_MS)
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = batch()
    change(bytes)
    return bytes
  }
  const errorOf = (bytes: Buffer): number => rig.log.append(bytes).errorCode
  expect(errorOf(Buffer.alloc(0))).toBe(ErrorCode.INVALID_RECORD)
  expect(errorOf(batch().subarray(0, 65))).toBe(ErrorCode.INVALID_RECORD)
  expect(errorOf(Buffer.concat([batch(), batch()]))).toBe(ErrorCode.INVALID_RECORD)
  expect(errorOf(changed(bytes => bytes.writeInt8(1, 16)))).toBe(ErrorCode.INVALID_RECORD)
  expect(errorOf(changed(bytes => bytes.writeInt8(bytes.readInt8(64) ^ 1, 64)))).toBe(ErrorCode.CORRUPT_MESSAGE)
  expect(errorOf(batchOf([{ value: 'x'.repeat(600) }], START_MS))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  expect(errorOf(batchOf([{}], START_MS + 3_600_001))).toBe(ErrorCode.INVALID_TIMESTAMP)
  rig.configure({ 'cleanup.policy': 'compact' })
  expect(errorOf(batchOf([{}, { key: null }], START_MS))).toBe(ErrorCode.INVALID_RECORD)
  rig.configure({ 'message.timestamp.before.max.ms': '1000' })
  expect(errorOf(batchOf([{}, { timestampMs: START_MS - 1001 }], START_MS))).toBe(ErrorCode.INVALID_TIMESTAMP)
  expect(rig.log.endOffset).toBe(0)
})

test('says clearly when the memory is used up, and goes on once records are deleted', () => {
  using rig = new LogRig('memory', { 'segment.bytes': '9000000' })
  const value = 'x'.repeat(1_000_000)
  const outcomes = Array.from({ length: 80 }, () => rig.append([{ value }]))
  const full = outcomes.find(({ errorCode }) => errorCode !== 0)
  expect(full).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR })
  expect(full?.errorMessage).toMatch(/at most 67108864 bytes.*maxMemoryBytes/)
  rig.log.deleteBelow(rig.log.endOffset)
  expect(rig.append([{ value }]).errorCode).toBe(0)
})

test('can still compact when the memory is used up', () => {
  using rig = new LogRig('memory', {
    'cleanup.policy': 'compact',
    'segment.bytes': '2000000',
    'min.cleanable.dirty.ratio': '0'
  })
  const value = 'x'.repeat(100_000)
  let appended = 0
  while (rig.append([{ key: `k${appended % 3}`, value }]).errorCode === 0) appended++
  const end = rig.log.endOffset
  rig.log.compact()
  expect(rig.log.endOffset).toBe(end)
  expect(rig.values().length).toBeLessThan(30)
  expect(rig.append([{ key: 'k', value }]).errorCode).toBe(0)
})

test('the last stable offset is never below the start, also when a transaction began there', () => {
  using rig = new LogRig('memory')
  rig.append([{}, {}, {}], { ...TXN, baseSequence: 0 })
  rig.log.deleteBelow(2)
  expect([rig.log.startOffset, rig.log.lastStableOffset, rig.log.highWatermark]).toEqual([2, 2, 3])
  rig.log.appendControl(9n, 0, 'commit')
  expect(rig.values(2, 'read_committed')).toEqual(['2:v'])
})

test('keeps records without a timestamp for the time of the retention from when they came', () => {
  using rig = new LogRig('memory', { 'retention.ms': '1000', 'segment.bytes': '50' })
  rig.append([{ timestampMs: -1 }])
  rig.log.applyRetention()
  expect(rig.values()).toEqual(['0:v'])
  rig.clock.advance(1001)
  rig.log.applyRetention()
  expect(rig.values()).toEqual([])
})

test('tells where leader epochs end, also those of earlier runs', () => {
  using rig = new LogRig('disk')
  rig.append([{}, {}])
  rig.reopen()
  rig.append([{}])
  rig.reopen()
  expect([-1, 0, 1, 2, 3].map(epoch => rig.log.endOfEpoch(epoch))).toEqual([
    { epoch: -1, endOffset: -1 },
    { epoch: 0, endOffset: 2 },
    { epoch: 1, endOffset: 3 },
    { epoch: 2, endOffset: 3 },
    { epoch: -1, endOffset: -1 }
  ])
})

test('on disk, everything is there again: records, transactions and sequences', () => {
  using rig = new LogRig('disk', { 'segment.bytes': '200' })
  rig.append([{ value: 'a' }], { ...TXN, baseSequence: 0 })
  rig.log.appendControl(9n, 0, 'abort')
  rig.append([{ value: 'b' }], { ...TXN, baseSequence: 1 })
  rig.append([{ value: 'c' }], { producerId: 5n, producerEpoch: 0, baseSequence: 3 })
  rig.reopen()
  expect([rig.log.lastStableOffset, rig.log.endOffset]).toEqual([2, 4])
  expect(rig.append([{ value: 'c' }], { producerId: 5n, producerEpoch: 0, baseSequence: 3 }).baseOffset).toBe(3)
  rig.log.appendControl(9n, 0, 'commit')
  expect(rig.values(0, 'read_committed')).toEqual(['2:b', '3:c'])
})

test('on disk, a log whose earlier segment is torn ends there, and goes on', () => {
  using rig = new LogRig('disk', { 'segment.bytes': '150' })
  for (let i = 0; i < 8; i++) rig.append([{ value: `v${i}` }])
  const logDir = join(rig.dir, 'logs', 'id.0')
  const names = readdirSync(logDir).sort()
  expect(names.length).toBeGreaterThan(3)
  rig.log.close()
  const file = join(logDir, names[1] as string)
  truncateSync(file, readFileSync(file).length - 1)
  rig.reopen()
  expect(rig.values()).toEqual(['0:v0', '1:v1', '2:v2'])
  rig.append([{ value: 'next' }])
  rig.reopen()
  expect(rig.values()).toEqual(['0:v0', '1:v1', '2:v2', '3:next'])
})

test('on disk, a torn end is cut off wherever it was torn, and writing goes on there', () => {
  using rig = new LogRig('disk')
  rig.append([{ value: 'whole' }])
  const wholeBytes = rig.log.sizeBytes
  rig.append([{ value: 'torn' }])
  const [name] = readdirSync(join(rig.dir, 'logs', 'id.0')) as [string]
  const file = join(rig.dir, 'logs', 'id.0', name)
  const bytes = readFileSync(file)
  for (let end = wholeBytes; end < bytes.length; end++) {
    rig.log.close()
    writeFileSync(file, bytes.subarray(0, end))
    rig.reopen()
    expect(rig.values()).toEqual(['0:whole'])
  }
  rig.log.close()
  writeFileSync(file, bytes)
  truncateSync(file, bytes.length + 100)
  rig.reopen()
  expect(rig.append([{ value: 'next' }]).baseOffset).toBe(2)
  expect(rig.values()).toEqual(['0:whole', '1:torn', '2:next'])
})
