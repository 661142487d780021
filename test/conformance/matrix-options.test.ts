import { expect, test } from 'vitest'
import { matrixOf } from './matrix-options.ts'

test('runs on LevelDB without restarts unless told otherwise', () => {
  expect(matrixOf({})).toEqual({ stores: ['level'], restartAt: undefined, disks: ['kept', 'lost'], seed: 1 })
})

test('takes stores, the step, the disk and the seed', () => {
  const given = { stores: 'both', 'restart-at': '7', disk: 'lost', seed: '23' }
  expect(matrixOf(given)).toEqual({ stores: ['level', 'memory'], restartAt: 7, disks: ['lost'], seed: 23 })
  expect(matrixOf({ 'restart-at': 'random' }).restartAt).toBe('random')
})

test.each([
  [{ stores: 'rocks' }, "--stores is 'rocks'"],
  [{ 'restart-at': 'soon' }, "--restart-at is 'soon'"],
  [{ 'restart-at': '-1' }, "--restart-at is '-1'"],
  [{ 'restart-at': '1', disk: 'half' }, "--disk is 'half'"],
  [{ disk: 'lost' }, '--disk needs --restart-at'],
  [{ seed: '' }, "--seed is ''"]
])('refuses %j', (values, message) => {
  expect(() => matrixOf(values)).toThrow(message)
})
