import { MockClock } from '@millrace/testing'
import { expect, test } from 'vitest'
import { ChangelogSlices } from './changelog-slices.ts'
import { listedReader, type ListedRecord } from './test-support/listed-reader.ts'

const SLICE_BYTES = 4 * 1024 * 1024

function slicesOf(records: readonly ListedRecord[], endOffset: number, clock = new MockClock()) {
  const reader = listedReader(records)
  return { clock, reader, slices: new ChangelogSlices(reader, endOffset, undefined, clock) }
}

/** The texts of one slice; undefined when there is none. */
function take(slices: ChangelogSlices, onRecord: () => void = () => {}): string[] | undefined {
  if (!slices.begin()) return undefined
  const taken: string[] = []
  while (slices.next()) {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = slices
    const text = (from: number, to: number) => Buffer.from(buffer.subarray(from, to)).toString()
    taken.push(`${text(keyStart, keyEnd)}=${valueEnd < 0 ? 'null' : text(valueStart, valueEnd)}@${timestampMs}`)
    onRecord()
  }
  return taken
}

test('hands out records but those without a key, and nothing beyond the end', () => {
  const records: ListedRecord[] = [
    { key: null, value: 'x' },
    { key: 'a', value: '1' },
    { key: 'b', value: null },
    { key: null, value: null },
    { key: 'c', value: '3' }
  ]
  const { slices } = slicesOf(records, 4)
  expect(take(slices)).toEqual(['a=1@1', 'b=null@2'])
  expect([slices.count, slices.restoredTo, slices.isDone]).toEqual([2, 4, true])
  expect(take(slices)).toBeUndefined()
})

test('is done behind the end when the record before it has been compacted away', () => {
  const { reader, slices } = slicesOf([{ key: 'a', value: '1' }, undefined, undefined, { key: 'd', value: '4' }], 3)
  expect(take(slices)).toEqual(['a=1@0'])
  expect([reader.position, slices.restoredTo, slices.isDone]).toEqual([4, 3, true])
})

test('goes on where it was when nothing more was buffered', () => {
  const records: ListedRecord[] = [{ key: 'a', value: '1' }]
  const { slices } = slicesOf(records, 2)
  expect(take(slices)).toEqual(['a=1@0'])
  expect([slices.restoredTo, slices.isDone]).toEqual([1, false])
  expect(take(slices)).toBeUndefined()
  records.push({ key: 'b', value: '2' })
  expect(take(slices)).toEqual(['b=2@1'])
  expect([slices.restoredTo, slices.isDone]).toEqual([2, true])
})

test('ends a slice after so many bytes', () => {
  const value = 'v'.repeat(SLICE_BYTES / 4)
  const records = Array.from({ length: 6 }, () => ({ key: 'k', value }))
  const { slices } = slicesOf(records, 6)
  expect(take(slices)).toHaveLength(4)
  expect([slices.restoredTo, slices.isDone]).toEqual([4, false])
  expect(take(slices)).toHaveLength(2)
  expect(slices.isDone).toBe(true)
})

test('ends a slice after 5 ms, looking at the clock now and then', () => {
  const records = Array.from({ length: 1000 }, () => ({ key: 'k', value: 'v' }))
  const { clock, slices } = slicesOf(records, 1000)
  let count = 0
  const taken = take(slices, () => {
    if (++count === 300) clock.advance(6)
  })
  expect(taken).toHaveLength(512)
  expect(slices.restoredTo).toBe(512)
  expect(take(slices)).toHaveLength(488)
})
