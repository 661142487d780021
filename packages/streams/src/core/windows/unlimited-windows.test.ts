import { expect, test } from 'vitest'
import { unlimited } from './unlimited-windows.ts'

test('starts at 0 unless it is told otherwise', () => {
  expect(unlimited()).toEqual({ kind: 'unlimited', startMs: 0 })
  expect(unlimited({ startMs: 5 })).toEqual({ kind: 'unlimited', startMs: 5 })
})

test.each([-1, 1.5, Number.MAX_SAFE_INTEGER])('refuses a start at %d', startMs => {
  expect(() => unlimited({ startMs })).toThrow(expect.objectContaining({ code: 'TOPOLOGY_WINDOW_INVALID' }))
})
