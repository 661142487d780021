import { describe, expect, it } from 'vitest'
import { decodeRequest, decodeRequestHeader, Produce } from '../index.ts'
import { recordedExchanges } from '../test-support/recorded.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import * as layout from './batch-layout.ts'
import { RecordBatchBuilder, restampBatch } from './record-batch-builder.ts'
import { RecordBatchCursor } from './record-batch-cursor.ts'
import { NO_RECORD_HEADERS, type RecordHeader } from './record-header.ts'

function copyRecords(from: Buffer, to: RecordBatchBuilder): void {
  const cursor = new RecordBatchCursor()
  cursor.reset(from, 0)
  while (cursor.next()) {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor
    to.append(buffer, keyStart, keyEnd, buffer, valueStart, valueEnd, timestampMs, cursor.headers())
  }
}

/** The batches that Java's producer sent. */
const javaBatches = recordedExchanges('java-newest')
  .filter(({ api }) => api === 'Produce')
  .map(({ version, request }) => {
    const { bodyStart } = decodeRequestHeader(request, () => true)
    const produce = decodeRequest(Produce, version, request.subarray(bodyStart))
    return produce.topicData[0]!.partitionData[0]!.records!
  })

describe('a built batch', () => {
  it('equals, byte by byte, what Java’s producer builds of the same records', () => {
    const plain = javaBatches.filter(batch => (batch.readInt16BE(layout.ATTRIBUTES_AT) & layout.COMPRESSION_MASK) === 0)
    expect(plain.length).toBeGreaterThan(0)
    for (const batch of plain) {
      const builder = new RecordBatchBuilder()
      copyRecords(batch, builder)
      const built = builder.build({
        producerId: batch.readBigInt64BE(layout.PRODUCER_ID_AT),
        producerEpoch: batch.readInt16BE(layout.PRODUCER_EPOCH_AT),
        baseSequence: batch.readInt32BE(layout.BASE_SEQUENCE_AT),
        transactional: (batch.readInt16BE(layout.ATTRIBUTES_AT) & layout.TRANSACTIONAL_BIT) !== 0
      })
      expect(built.toString('hex')).toBe(batch.toString('hex'))
      expect(builder.sizeBytes).toBe(batch.length)
    }
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'with compression %s gives its records back',
    compression => {
      const random = seededRandom(5)
      const builder = new RecordBatchBuilder(64)
      const sent: unknown[] = []
      for (let i = 0; i < 2000; i++) {
        const key = random() < 0.1 ? null : Buffer.alloc(Math.floor(random() * 40), i)
        const value = random() < 0.1 ? null : Buffer.alloc(Math.floor(random() * 300), i + 1)
        const headers: RecordHeader[] =
          random() < 0.2
            ? [
                ['hé', Buffer.from('v')],
                ['', null]
              ]
            : []
        const timestampMs = 1_700_000_000_000 + Math.floor((random() - 0.5) * 2 ** 40)
        const atMost = builder.sizeBytesAfter(key?.length ?? 0, value?.length ?? 0, headers)
        builder.append(key, 0, key?.length ?? -1, value, 0, value?.length ?? -1, timestampMs, headers)
        expect(builder.sizeBytes).toBeLessThanOrEqual(atMost)
        sent.push({ offset: i, key, value, headers, timestampMs })
      }
      const batch = builder.build({
        compression,
        producerId: 9n,
        producerEpoch: 2,
        baseSequence: 77,
        transactional: true
      })
      const packed = batch.length / builder.sizeBytes
      expect(compression === 'none' ? packed === 1 : packed < 0.5).toBe(true)

      const cursor = new RecordBatchCursor()
      cursor.reset(batch, 0)
      const read: unknown[] = []
      while (cursor.next()) {
        const { buffer, offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = cursor
        const key = keyEnd < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd))
        const value = valueEnd < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd))
        read.push({ offset, key, value, headers: cursor.headers(), timestampMs })
      }
      expect(read).toEqual(sent)
      expect(cursor).toMatchObject({ producerId: 9n, producerEpoch: 2, baseSequence: 77, transactional: true })
    }
  )

  it('is not touched by what the builder does next', () => {
    const builder = new RecordBatchBuilder()
    builder.append(Buffer.from('a'), 0, 1, null, 0, -1, 5, NO_RECORD_HEADERS)
    const first = builder.build()
    const copy = Buffer.from(first)
    builder.reset()
    expect([builder.count, builder.sizeBytes]).toEqual([0, layout.RECORDS_AT])
    builder.append(Buffer.from('bb'), 0, 2, Buffer.from('c'), 0, 1, 1, NO_RECORD_HEADERS)
    const second = builder.build()
    expect(first).toEqual(copy)
    const fresh = new RecordBatchBuilder()
    fresh.append(Buffer.from('bb'), 0, 2, Buffer.from('c'), 0, 1, 1, NO_RECORD_HEADERS)
    expect(second).toEqual(fresh.build())
  })

  it('takes ranges of larger buffers, short and long', () => {
    const bytes = Buffer.from('0123456789'.repeat(30))
    const builder = new RecordBatchBuilder()
    builder.append(bytes, 3, 6, bytes, 10, 210, 1, NO_RECORD_HEADERS)
    builder.append(bytes, 4, 4, bytes, 0, 300, 1, NO_RECORD_HEADERS)
    const cursor = new RecordBatchCursor()
    cursor.reset(builder.build(), 0)
    cursor.next()
    expect(cursor.buffer.toString('latin1', cursor.keyStart, cursor.keyEnd)).toBe('345')
    expect(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd)).toEqual(bytes.subarray(10, 210))
    cursor.next()
    expect(cursor.keyEnd - cursor.keyStart).toBe(0)
    expect(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd)).toEqual(bytes)
  })

  it('gets another epoch and sequence in place, with a right checksum', () => {
    const builder = new RecordBatchBuilder()
    builder.append(null, 0, -1, Buffer.from('v'), 0, 1, 1, NO_RECORD_HEADERS)
    const batch = builder.build({ producerId: 1n, producerEpoch: 1, baseSequence: 10 })
    restampBatch(batch, { producerId: 1n, producerEpoch: 2, baseSequence: 0 })
    expect(batch).toEqual(builder.build({ producerId: 1n, producerEpoch: 2, baseSequence: 0 }))
  })
})

it('refuses to build a batch without records', () => {
  expect(() => new RecordBatchBuilder().build()).toThrow(expect.objectContaining({ code: 'PROTOCOL_INVALID_VALUE' }))
})
