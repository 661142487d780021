import { expect, test } from 'vitest'
import { type Duration, durationMs } from './duration.ts'

test.each([
  [0, 0],
  [1500, 1500],
  ['250ms', 250],
  ['10s', 10_000],
  ['1.1s', 1100],
  ['5m', 300_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['-1s', -1000]
] as [Duration, number][])('reads %s as %d ms', (duration, ms) => {
  expect(durationMs(duration, 'x')).toBe(ms)
})

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '0.3ms', '5', '5 m', 'm', '', '1m30s', null, undefined])(
  'refuses %s and says what it was for',
  duration => {
    expect(() => durationMs(duration as Duration, 'The grace')).toThrow(/^The grace is .* Give whole milliseconds/)
  }
)
