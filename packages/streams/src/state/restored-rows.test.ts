import { expect, test } from 'vitest'
import { RestoredRows } from './restored-rows.ts'
import { ListedRecords } from './test-support/listed-records.ts'

type Row = readonly [key: string, value: string | null, timestampMs: number]

/** What would be written of `records`: each copied before the next is asked for. */
function written(rows: RestoredRows, records: readonly Row[]): [key: string, value: string | null][] {
  rows.startWriting(
    new ListedRecords(
      records.map(([key, value, timestampMs]) => ({
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestampMs
      }))
    )
  )
  const writes: [string, string | null][] = []
  for (let write = rows.nextWrite(); write !== undefined; write = rows.nextWrite()) {
    const { key, value } = write
    writes.push([Buffer.from(key).toString('latin1'), value === null ? null : Buffer.from(value).toString('latin1')])
  }
  return writes
}

test('hands records out as rows with the prefix of their store, in order', () => {
  const rows = new RestoredRows('\x01\x00\x07', false)
  const records: Row[] = [
    ['abc', 'value!', 5],
    ['gone', null, 6],
    ['', '', 7]
  ]
  expect(written(rows, records)).toEqual([
    ['\x01\x00\x07abc', 'value!'],
    ['\x01\x00\x07gone', null],
    ['\x01\x00\x07', '']
  ])
  expect(rows.rowsAdded).toBe(1)
  expect(rows.nextWrite()).toBeUndefined()
})

test('counts the rows of each batch apart', () => {
  const rows = new RestoredRows('p', false)
  written(rows, [['k', 'v', 0]])
  written(rows, [['k', null, 0]])
  expect(rows.rowsAdded).toBe(-1)
})

test('puts the time before a value, in 8 bytes', () => {
  const rows = new RestoredRows('p', true)
  expect(written(rows, [['k', 'v', 0x1_0000_0002]])).toEqual([['pk', '\0\0\0\x01\0\0\0\x02v']])
})

test.each([true, false])('keeps keys and values of any length apart, also of the same (with time: %s)', timestamped => {
  const rows = new RestoredRows('p', timestamped)
  const texts = [1, 503, 504, 505, 511, 512, 513, 70_000, 200_000].map(length => 'x'.repeat(length))
  const time = timestamped ? '\0\0\0\0\0\0\0\x09' : ''
  expect(
    written(
      rows,
      texts.map(text => [text, `p${text}`.toUpperCase(), 9])
    )
  ).toEqual(texts.map(text => [`p${text}`, `${time}P${text.toUpperCase()}`]))
})
