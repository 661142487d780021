import { expect, test } from 'vitest'
import { joinWindows } from './join-windows.ts'

test('takes one difference for both directions, or one for each', () => {
  expect(joinWindows('5s', { grace: '1s' })).toEqual({ kind: 'join', beforeMs: 5000, afterMs: 5000, graceMs: 1000 })
  expect(joinWindows(5, { before: 0 })).toEqual({ kind: 'join', beforeMs: 0, afterMs: 5, graceMs: 0 })
  expect(joinWindows(5, { before: -1 })).toEqual({ kind: 'join', beforeMs: -1, afterMs: 5, graceMs: 0 })
})

test('refuses windows that end before they begin, and a negative grace', () => {
  expect(() => joinWindows(-1)).toThrow(/from 1 ms to -1 ms would end before they begin/)
  expect(() => joinWindows(5, { before: -6 })).toThrow(/from 6 ms to 5 ms/)
  expect(() => joinWindows(5, { grace: -1 })).toThrow(/negative grace, -1 ms/)
  expect(() => joinWindows(5, { gracf: 1 } as any)).toThrow(/no option 'gracf'. Did you mean 'grace'/)
})
