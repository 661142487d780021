import { expect, test } from 'vitest'
import { durationText, textTable } from './text-table.ts'

test('columns are as wide as their widest cell, and lines end without blanks', () => {
  expect(
    textTable(
      ['A', 'LONG'],
      [
        ['wide', 'x'],
        ['', '']
      ]
    )
  ).toBe('A     LONG\nwide  x\n\n')
})

test.each([
  [-5, '0ms'],
  [999, '999ms'],
  [1000, '1s'],
  [60_000, '1m'],
  [61_500, '1m 1s'],
  [7_500_000, '2h 5m'],
  [86_405_000, '1d'],
  [200_000_000, '2d 7h']
])('%i ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
