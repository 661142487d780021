import { expect, test } from 'vitest'
import { RestartPolicy } from './restart-policy.ts'

test('doubles the wait with each crash in a row, up to 30 s', () => {
  const policy = new RestartPolicy({ maxRestarts: 7, restartDelayMs: 1000 })
  const waits = Array.from({ length: 7 }, () => policy.afterCrash(10))
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('gives up after the last restart', () => {
  const policy = new RestartPolicy({ maxRestarts: 2, restartDelayMs: 5 })
  expect([policy.afterCrash(0), policy.afterCrash(0), policy.afterCrash(0)]).toEqual([5, 10, undefined])
})

test('begins anew after a worker ran for a minute', () => {
  const policy = new RestartPolicy({ maxRestarts: 1, restartDelayMs: 5 })
  expect([policy.afterCrash(0), policy.afterCrash(60_000), policy.afterCrash(0)]).toEqual([5, 5, undefined])
})
