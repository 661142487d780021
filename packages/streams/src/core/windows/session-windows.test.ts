import { expect, test } from 'vitest'
import { session } from './session-windows.ts'

test('has no grace unless it is given one', () => {
  expect(session('5m')).toEqual({ kind: 'session', gapMs: 300_000, graceMs: 0 })
  expect(session(0, { grace: '10s' })).toEqual({ kind: 'session', gapMs: 0, graceMs: 10_000 })
})

test.each([
  ['a negative gap', () => session(-1), /negative gap, -1 ms/],
  ['a negative grace', () => session(10, { grace: -1 }), /negative grace/]
])('refuses %s', (_name, make, message) => {
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ code: 'TOPOLOGY_WINDOW_INVALID' }))
})

test('refuses an option that does not exist', () => {
  expect(() => session(10, { garce: 5 } as never)).toThrow(/session\(\) has no option 'garce'/)
})
