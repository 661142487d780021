import { expect, test } from 'vitest'
import type { Compression } from '../compression/compression.ts'
import { batchChecksumMatches, placeBatch, readBatchHeader } from './batch-header.ts'
import { filterBatch } from './filter-batch.ts'
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordBatchCursor } from './record-batch-cursor.ts'

function batchOf(compression: Compression): Buffer {
  const builder = new RecordBatchBuilder()
  for (const [i, value] of ['a', null, 'c', 'd'].entries()) {
    const key = Buffer.from(`k${i}`)
    const bytes = value === null ? null : Buffer.from(value)
    builder.append(key, 0, key.length, bytes, 0, bytes?.length ?? -1, 1000 + i, [['h', Buffer.from('x')]])
  }
  const batch = builder.build({ compression, producerId: 7n, producerEpoch: 1, baseSequence: 3 })
  placeBatch(batch, { baseOffset: 40, leaderEpoch: 2 })
  return batch
}

test.each(['none', 'gzip', 'zstd'] as const)('keeps bytes and offsets of the records that are wanted, in %s', kind => {
  const seen: unknown[] = []
  const filtered = filterBatch(batchOf(kind), ({ offset, buffer, keyStart, keyEnd, hasValue }) => {
    seen.push([offset, buffer.toString('utf8', keyStart, keyEnd), hasValue])
    return offset === 41 || offset === 42
  }) as Buffer
  expect(seen).toEqual([
    [40, 'k0', true],
    [41, 'k1', false],
    [42, 'k2', true],
    [43, 'k3', true]
  ])
  expect(batchChecksumMatches(filtered)).toBe(true)
  expect(readBatchHeader(filtered, 0)).toMatchObject({
    baseOffset: 40,
    lastOffset: 43,
    recordCount: 2,
    maxTimestampMs: 1002,
    producerId: 7n,
    baseSequence: 3,
    leaderEpoch: 2
  })
  const cursor = new RecordBatchCursor()
  cursor.reset(filtered, 0)
  expect(cursor.next()).toBe(true)
  expect([cursor.offset, cursor.timestampMs, cursor.valueEnd]).toEqual([41, 1001, -1])
  expect(cursor.next()).toBe(true)
  expect([cursor.offset, cursor.timestampMs, cursor.headers()]).toEqual([42, 1002, [['h', Buffer.from('x')]]])
  expect(cursor.next()).toBe(false)
  expect(cursor.position).toBe(44)
})

test('is the batch itself when all stay, and nothing when none does', () => {
  const batch = batchOf('none')
  expect(filterBatch(batch, () => true)).toBe(batch)
  expect(filterBatch(batch, () => false)).toBeUndefined()
})
