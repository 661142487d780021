import { describe, expect, it } from 'vitest'
import { isProtocolError } from '../protocol-error.ts'
import { abortMarker, commitMarker, craftBatch, sealBatch } from '../test-support/craft-batch.ts'
import { recordedLog } from '../test-support/recorded.ts'
import { mutated, seededRandom } from '../test-support/seeded-random.ts'
import type { AbortedTransaction } from './aborted-producers.ts'
import * as layout from './batch-layout.ts'
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordBatchCursor, type RecordBatchCursorOptions } from './record-batch-cursor.ts'

const T0 = 1_700_000_000_000

function keyOf(cursor: RecordBatchCursor): string | null {
  return cursor.keyEnd < 0 ? null : cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)
}

function valueOf(cursor: RecordBatchCursor): string | null {
  return cursor.valueEnd < 0 ? null : cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd)
}

function cursorOver(
  records: Buffer,
  startOffset: number,
  aborted: readonly AbortedTransaction[] | null,
  options: RecordBatchCursorOptions = {}
): RecordBatchCursor {
  const cursor = new RecordBatchCursor(options)
  cursor.reset(records, startOffset, aborted)
  return cursor
}

function offsets(cursor: RecordBatchCursor): number[] {
  const seen: number[] = []
  while (cursor.next()) seen.push(cursor.offset)
  return seen
}

/** What scripts/RecordedClient.java writes as its record `i`. */
function javaRecord(i: number) {
  return {
    timestampMs: T0 + i * 1000,
    key: i % 5 === 0 ? null : `key-${i}`,
    value: i % 7 === 3 ? null : `value-${i} `.repeat(10),
    headers:
      i % 4 === 1
        ? [
            ['name', Buffer.from(`é${i}`)],
            ['none', null],
            ['name', Buffer.alloc(0)]
          ]
        : []
  }
}

function readAll(cursor: RecordBatchCursor) {
  const seen = []
  while (cursor.next()) {
    const { offset, timestampMs } = cursor
    seen.push({ offset, timestampMs, key: keyOf(cursor), value: valueOf(cursor), headers: cursor.headers() })
  }
  return seen
}

describe('batches that Java’s producer wrote', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('with compression %s read as they were sent', topic => {
    const cursor = cursorOver(recordedLog(topic).records, 0, null)
    const sent = Array.from({ length: 20 }, (_, i) => ({ offset: i, ...javaRecord(i) }))
    expect(readAll(cursor)).toEqual(sent)
    expect(cursor.position).toBe(20)
    expect(cursor.baseSequence).toBe(0)
    expect(cursor.producerId).toBeGreaterThanOrEqual(0n)
  })

  it.each(['none', 'gzip'])('with compression %s begin where the fetch began', topic => {
    const cursor = cursorOver(recordedLog(topic).records, 7, null)
    expect(cursor.position).toBe(7)
    expect(offsets(cursor)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  it('have one time for all where the broker sets it', () => {
    const cursor = cursorOver(recordedLog('append-time').records, 0, null)
    const times = new Set(readAll(cursor).map(({ timestampMs }) => timestampMs))
    expect(times.size).toBe(1)
    expect([...times][0]).toBeGreaterThan(T0 + 20_000)
  })
})

describe('a log of transactions that Java’s producer wrote', () => {
  const { records, aborted } = recordedLog('txn')

  it('shows only committed records under read_committed, and passes the rest', () => {
    const cursor = cursorOver(records, 0, aborted)
    expect(offsets(cursor)).toEqual([0, 1, 2, 8, 9])
    expect(cursor.position).toBe(11)
    expect(cursor.hasBuffered).toBe(false)
    expect(cursor.transactional).toBe(true)
  })

  it('shows aborted records too under read_uncommitted', () => {
    const cursor = cursorOver(records, 0, null)
    expect(offsets(cursor)).toEqual([0, 1, 2, 4, 5, 6, 8, 9])
    expect(cursor.position).toBe(11)
  })

  it('tells the markers apart by the batch’s control bit alone', () => {
    const cursor = cursorOver(records, 0, null, { controlRecords: true })
    const likeMarkers: unknown[] = []
    while (cursor.next()) {
      if (cursor.keyEnd - cursor.keyStart === 4) {
        likeMarkers.push([cursor.offset, cursor.control ? cursor.controlType : 'data'])
      }
    }
    expect(likeMarkers).toEqual([
      [3, 'commit'],
      [5, 'data'],
      [7, 'abort'],
      [10, 'commit']
    ])
  })

  it.each([4, 5, 6, 7])('hides an aborted transaction also when the fetch begins at %d, inside it', start => {
    expect(offsets(cursorOver(records, start, aborted))).toEqual([8, 9])
  })
})

describe('aborted transactions', () => {
  const data = (baseOffset: number, producerId: bigint, count = 2, key: Buffer | null = null) =>
    craftBatch({
      baseOffset,
      producerId,
      transactional: true,
      records: Array.from({ length: count }, () => ({ key, value: 'v' }))
    })

  it('longer than a fetch are hidden in each of its parts', () => {
    const first = cursorOver(Buffer.concat([data(10, 7n), data(12, 7n)]), 10, [{ producerId: 7n, firstOffset: 10 }])
    expect(offsets(first)).toEqual([])
    expect(first.position).toBe(14)
    const second = cursorOver(data(14, 7n), first.position, [{ producerId: 7n, firstOffset: 10 }])
    expect(offsets(second)).toEqual([])
    const last = Buffer.concat([data(16, 7n), abortMarker(18, 7n), data(19, 7n), commitMarker(21, 7n)])
    const third = cursorOver(last, second.position, [{ producerId: 7n, firstOffset: 10 }])
    expect(offsets(third)).toEqual([19, 20])
    expect(third.position).toBe(22)
  })

  it('of two producers in one fetch are hidden, and what lies between is not', () => {
    const log = Buffer.concat([
      data(0, 1n),
      data(2, 2n),
      data(4, 3n),
      abortMarker(6, 2n),
      data(7, 1n),
      data(9, 2n),
      abortMarker(11, 1n),
      commitMarker(12, 2n),
      commitMarker(13, 3n)
    ])
    const aborted = [
      { producerId: 2n, firstOffset: 2 },
      { producerId: 1n, firstOffset: 0 }
    ]
    const cursor = cursorOver(log, 0, aborted)
    expect(offsets(cursor)).toEqual([4, 5, 9, 10])
    expect(cursor.position).toBe(14)
  })

  it('of one producer, twice in one fetch, leave the committed one between them', () => {
    const log = Buffer.concat([
      ...[data(0, 1n), abortMarker(2, 1n)],
      ...[data(3, 1n), commitMarker(5, 1n)],
      ...[data(6, 1n), abortMarker(8, 1n)],
      ...[data(9, 1n), commitMarker(11, 1n)]
    ])
    const aborted = [
      { producerId: 1n, firstOffset: 0 },
      { producerId: 1n, firstOffset: 6 }
    ]
    expect(offsets(cursorOver(log, 0, aborted))).toEqual([3, 4, 9, 10])
  })

  it('of which only the marker is left end there', () => {
    const log = Buffer.concat([abortMarker(30, 1n), data(31, 1n), commitMarker(33, 1n)])
    expect(offsets(cursorOver(log, 20, [{ producerId: 1n, firstOffset: 10 }]))).toEqual([31, 32])
  })

  it('are not ended by a record whose key looks like a marker’s', () => {
    const log = Buffer.concat([data(0, 1n, 1, Buffer.alloc(4)), data(1, 1n), abortMarker(3, 1n)])
    const cursor = cursorOver(log, 0, [{ producerId: 1n, firstOffset: 0 }])
    expect(offsets(cursor)).toEqual([])
    expect(cursor.position).toBe(4)
  })

  it('do not touch records of the same producer outside of transactions', () => {
    const plain = craftBatch({ baseOffset: 2, producerId: 1n, records: [{ value: 'v' }] })
    expect(offsets(cursorOver(Buffer.concat([data(0, 1n), plain]), 0, [{ producerId: 1n, firstOffset: 0 }]))).toEqual([
      2
    ])
  })

  it('are forgotten at the next reset', () => {
    const cursor = cursorOver(data(0, 1n), 0, [{ producerId: 1n, firstOffset: 0 }])
    expect(offsets(cursor)).toEqual([])
    cursor.reset(data(2, 1n), 2, [])
    expect(offsets(cursor)).toEqual([2, 3])
  })
})

describe('gaps', () => {
  it('at the end of a batch move the position', () => {
    const batch = craftBatch({ baseOffset: 100, records: [{ value: 'a' }, { value: 'b' }], lastOffsetDelta: 9 })
    const cursor = cursorOver(batch, 100, [])
    expect(cursor.next()).toBe(true)
    expect(cursor.position).toBe(101)
    expect(cursor.next()).toBe(true)
    expect(cursor.next()).toBe(false)
    expect(cursor.position).toBe(110)
  })

  it('are left by batches without records too', () => {
    const log = Buffer.concat([
      craftBatch({ baseOffset: 5, records: [], lastOffsetDelta: 4 }),
      craftBatch({ baseOffset: 10, records: [{ value: 'a' }] }),
      craftBatch({ baseOffset: 20, records: [], lastOffsetDelta: 1 })
    ])
    const cursor = cursorOver(log, 5, [])
    expect(cursor.hasBuffered).toBe(true)
    expect(offsets(cursor)).toEqual([10])
    expect(cursor.position).toBe(22)
  })

  it('do not move the position back when the whole answer lies below the start', () => {
    const cursor = cursorOver(craftBatch({ baseOffset: 5, records: [{ value: 'a' }] }), 50, [])
    expect(offsets(cursor)).toEqual([])
    expect(cursor.position).toBe(50)
  })
})

describe('a cut-off last batch', () => {
  it('is left for the next fetch, wherever it was cut', () => {
    const whole = craftBatch({ baseOffset: 0, records: [{ value: 'a' }] })
    const last = craftBatch({ baseOffset: 1, records: [{ value: 'b' }] })
    for (let length = 0; length < last.length; length++) {
      const cursor = cursorOver(Buffer.concat([whole, last.subarray(0, length)]), 0, [])
      expect(offsets(cursor)).toEqual([0])
      expect(cursor.position).toBe(1)
      expect(cursor.hasBuffered).toBe(false)
    }
  })

  it('may be all there is', () => {
    const cursor = cursorOver(craftBatch({ baseOffset: 0, records: [{ value: 'a' }] }).subarray(0, 60), 0, [])
    expect([cursor.hasBuffered, cursor.next(), cursor.position]).toEqual([false, false, 0])
    cursor.reset(null, 3)
    expect([cursor.hasBuffered, cursor.next(), cursor.position]).toEqual([false, false, 3])
  })
})

describe('corrupt batches', () => {
  const good = craftBatch({ baseOffset: 40, records: [{ value: 'good' }] })
  const corrupt = (change: (batch: Buffer) => void, seal = true) => {
    const batch = craftBatch({ baseOffset: 41, records: [{ key: Buffer.from('k'), value: 'bad' }] })
    change(batch)
    if (seal) sealBatch(batch)
    return Buffer.concat([good, batch])
  }
  const failure = (code: string) =>
    expect.objectContaining({ code, details: expect.objectContaining({ baseOffset: 41 }) })

  it('fail their checksum, after what was good, again and again', () => {
    const cursor = cursorOver(
      corrupt(batch => batch.writeUInt8(batch.readUInt8(70) ^ 1, 70), false),
      40,
      []
    )
    expect(cursor.next()).toBe(true)
    expect(() => cursor.next()).toThrow(failure('RECORD_CORRUPT'))
    expect(() => cursor.next()).toThrow(failure('RECORD_CORRUPT'))
    expect(cursor.position).toBe(41)
  })

  it('are read as far as they go when the checksum is not asked for', () => {
    const log = corrupt(batch => batch.writeUInt32BE(0, layout.CRC_AT), false)
    expect(offsets(cursorOver(log, 40, [], { checkCrc: false }))).toEqual([40, 41])
    expect(() => offsets(cursorOver(log, 40, []))).toThrow(failure('RECORD_CORRUPT'))
  })

  it.each([
    ['a negative record count', (batch: Buffer) => batch.writeInt32BE(-1, layout.RECORD_COUNT_AT)],
    ['more records than there are', (batch: Buffer) => batch.writeInt32BE(2, layout.RECORD_COUNT_AT)],
    ['fewer records than there are', (batch: Buffer) => batch.writeInt32BE(0, layout.RECORD_COUNT_AT)],
    ['a last offset below the first', (batch: Buffer) => batch.writeInt32BE(-1, layout.LAST_OFFSET_DELTA_AT)],
    ['a record longer than the batch', (batch: Buffer) => batch.writeUInt8(0x7e, layout.RECORDS_AT)],
    ['a key longer than its record', (batch: Buffer) => batch.writeUInt8(0x20, layout.RECORDS_AT + 4)],
    ['compressed bytes that are not', (batch: Buffer) => batch.writeInt16BE(1, layout.ATTRIBUTES_AT)],
    ['snappy bytes that are not', (batch: Buffer) => batch.writeInt16BE(2, layout.ATTRIBUTES_AT)],
    ['lz4 bytes that are not', (batch: Buffer) => batch.writeInt16BE(3, layout.ATTRIBUTES_AT)],
    ['zstd bytes that are not', (batch: Buffer) => batch.writeInt16BE(4, layout.ATTRIBUTES_AT)]
  ])('with %s are refused', (_what, change) => {
    const cursor = cursorOver(corrupt(change), 40, [])
    expect(cursor.next()).toBe(true)
    expect(() => {
      while (cursor.next());
    }).toThrow(failure('RECORD_CORRUPT'))
  })

  it('with a length below the smallest are refused', () => {
    const log = corrupt(batch => batch.writeInt32BE(-5, layout.BATCH_LENGTH_AT), false)
    const cursor = cursorOver(log, 40, [])
    expect(() => offsets(cursor)).toThrow(failure('RECORD_CORRUPT'))
    expect(cursor.hasBuffered).toBe(true)
    const short = corrupt(batch => batch.writeInt32BE(20, layout.BATCH_LENGTH_AT), false)
    expect(() => offsets(cursorOver(short, 40, []))).toThrow(failure('RECORD_CORRUPT'))
  })

  it('with an offset that does not fit a number are refused', () => {
    const log = corrupt(batch => batch.writeInt32BE(2 ** 30, layout.BASE_OFFSET_AT))
    expect(() => offsets(cursorOver(log, 40, []))).toThrow(expect.objectContaining({ code: 'RECORD_CORRUPT' }))
  })

  it('of an old message format or an unknown compression are refused', () => {
    const old = corrupt(batch => batch.writeInt8(1, layout.MAGIC_AT))
    expect(() => offsets(cursorOver(old, 40, []))).toThrow(failure('RECORD_FORMAT_UNSUPPORTED'))
    const unknown = corrupt(batch => batch.writeInt16BE(7, layout.ATTRIBUTES_AT))
    expect(() => offsets(cursorOver(unknown, 40, []))).toThrow(failure('COMPRESSION_UNSUPPORTED'))
  })

  it('with changed bytes and no checksum give records within bounds or an error with a code', () => {
    const random = seededRandom(11)
    const outcomes = new Set<string>()
    for (const topic of ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'txn']) {
      const { records, aborted } = recordedLog(topic)
      for (let round = 0; round < 400; round++) {
        const cursor = cursorOver(mutated(records, random), 0, aborted, { checkCrc: false })
        try {
          for (let count = 0; cursor.next(); count++) {
            expect(count).toBeLessThan(1000)
            expect(cursor.keyEnd).toBeLessThanOrEqual(cursor.buffer.length)
            expect(cursor.valueEnd).toBeLessThanOrEqual(cursor.buffer.length)
            cursor.headers()
          }
          outcomes.add('read')
        } catch (error) {
          if (!isProtocolError(error)) throw error
          outcomes.add(error.code)
        }
      }
    }
    expect(outcomes).toContain('read')
    expect(outcomes).toContain('RECORD_CORRUPT')
  })
})

it('reads timestamps that are further apart than 32 bits', () => {
  const builder = new RecordBatchBuilder()
  const times = [T0, 0, 8_640_000_000_000_000, T0 - 1, -1]
  for (const timestampMs of times) builder.append(null, 0, -1, null, 0, -1, timestampMs, [])
  const cursor = cursorOver(builder.build(), 0, null)
  expect(readAll(cursor).map(({ timestampMs }) => timestampMs)).toEqual(times)
})
