import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from './system-clock.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('a timer for longer than Node can wait is set for as long as it can', () => {
  const armed = vi.spyOn(globalThis, 'setTimeout')
  for (const delayMs of [2 ** 31 - 1, 2 ** 31, 2 ** 40]) systemClock.setTimer(delayMs, () => {})()
  expect(armed.mock.calls.map(([, delayMs]) => delayMs)).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1])
})
