import { expect, test } from 'vitest'
import { RestoredRows } from './restored-rows.ts'

/** What would be written: each copied before the next is asked for. */
function written(rows: RestoredRows): [key: string, value: string | null][] {
  rows.startWriting()
  const writes: [string, string | null][] = []
  for (let write = rows.nextWrite(); write !== undefined; write = rows.nextWrite()) {
    const { key, value } = write
    writes.push([Buffer.from(key).toString('latin1'), value === null ? null : Buffer.from(value).toString('latin1')])
  }
  return writes
}

test('hands rows out with the prefix of their store, in order, as often as asked', () => {
  const rows = new RestoredRows('\x01\x00\x07', false)
  rows.add(Buffer.from('abc'), Buffer.from('value!'), 5)
  rows.add(Buffer.from('gone'), null, 6)
  rows.add(Buffer.from(''), Buffer.from(''), 7)
  const expected = [
    ['\x01\x00\x07abc', 'value!'],
    ['\x01\x00\x07gone', null],
    ['\x01\x00\x07', '']
  ]
  expect(written(rows)).toEqual(expected)
  expect(written(rows)).toEqual(expected)
  expect(rows.rowsAdded).toBe(1)
})

test('puts the time before a value, in 8 bytes', () => {
  const rows = new RestoredRows('p', true)
  rows.add(Buffer.from('k'), Buffer.from('v'), 0x1_0000_0002)
  expect(written(rows)).toEqual([['pk', '\0\0\0\x01\0\0\0\x02v']])
})

test('keeps keys and values of any length apart, also of the same', () => {
  const rows = new RestoredRows('p', false)
  const texts = [1, 511, 512, 513, 70_000, 200_000].map(length => 'x'.repeat(length))
  for (const text of texts) rows.add(Buffer.from(text), Buffer.from(`p${text}`.toUpperCase()), 0)
  expect(written(rows)).toEqual(texts.map(text => [`p${text}`, `p${text}`.toUpperCase()]))
})

test('copies what it is given, and forgets it when it is cleared', () => {
  const rows = new RestoredRows('p', false)
  const [key, value] = [Buffer.from('k'), Buffer.from('v')]
  rows.add(key, value, 0)
  key.fill(0)
  value.fill(0)
  expect(written(rows)).toEqual([['pk', 'v']])
  expect(rows.isEmpty).toBe(false)
  rows.clear()
  expect([written(rows), rows.isEmpty, rows.memoryBytes, rows.rowsAdded]).toEqual([[], true, 0, 0])
  rows.add(Buffer.from('next'), null, 0)
  expect(written(rows)).toEqual([['pnext', null]])
})
