import { expect, test } from 'vitest'
import { sliding } from './sliding-windows.ts'

test('has no grace unless it is given one', () => {
  expect(sliding('5m')).toEqual({ kind: 'sliding', differenceMs: 300_000, graceMs: 0 })
  expect(sliding(0, { grace: '10s' })).toEqual({ kind: 'sliding', differenceMs: 0, graceMs: 10_000 })
})

test.each([
  ['a negative difference', () => sliding(-1), /negative difference, -1 ms/],
  ['a negative grace', () => sliding(10, { grace: -1 }), /negative grace/]
])('refuses %s', (_name, make, message) => {
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ code: 'TOPOLOGY_WINDOW_INVALID' }))
})

test('refuses an option that does not exist', () => {
  expect(() => sliding(10, { garce: 5 } as never)).toThrow(/sliding\(\) has no option 'garce'/)
})
