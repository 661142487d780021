import { expect, test } from 'vitest'
import { totalOf } from './test-totals.ts'

const good = { success: true, numPassedTests: 5, numFailedTests: 0 }
const bad = { success: false, numPassedTests: 3, numFailedTests: 2 }
const unloadable = { success: false, numPassedTests: 1, numFailedTests: 0 }

test('adds up all runs', () => {
  expect(totalOf([good, good], [])).toEqual({ passed: 10, failed: 0 })
})

test('counts a step whose tests failed by its tests', () => {
  expect(totalOf([good, bad], ['npm test'])).toEqual({ passed: 8, failed: 2 })
})

test('never says 0 failed when a step failed without a failed test', () => {
  expect(totalOf([good], ['npm run check'])).toEqual({ passed: 5, failed: 1 })
  expect(totalOf([good, bad], ['npm test', 'npm run test:kafka'])).toEqual({ passed: 8, failed: 3 })
  expect(totalOf([unloadable], ['npm test'])).toEqual({ passed: 1, failed: 1 })
  expect(totalOf([unloadable], [])).toEqual({ passed: 1, failed: 1 })
})
