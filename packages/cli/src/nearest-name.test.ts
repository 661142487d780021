import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

const NAMES = ['workers', 'max-restarts', 'help']

test('finds the name behind a slip of the finger', () => {
  expect(nearestName('worker', NAMES)).toBe('workers')
  expect(nearestName('wrokers', NAMES)).toBe('workers')
  expect(nearestName('max-restart', NAMES)).toBe('max-restarts')
  expect(nearestName('hepl', ['run', 'help'])).toBeUndefined()
})

test('suggests nothing for a name that resembles none', () => {
  expect(nearestName('verbose', NAMES)).toBeUndefined()
})
