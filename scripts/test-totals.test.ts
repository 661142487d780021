import { expect, test } from 'vitest'
import { failuresOf, totalOf } from './test-totals.ts'

const good = { success: true, numPassedTests: 5, numFailedTests: 0, testResults: [] }
const bad = { success: false, numPassedTests: 3, numFailedTests: 2, testResults: [] }
const unloadable = { success: false, numPassedTests: 1, numFailedTests: 0, testResults: [] }

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

test('names what failed, with why: tests, and files that do not load', () => {
  const testResults = [
    {
      name: 'a.test.ts',
      status: 'failed',
      assertionResults: [
        { fullName: 'holds', status: 'passed' },
        { fullName: 'breaks', status: 'failed', failureMessages: ['expected 1 to be 2'] }
      ]
    },
    { name: 'b.test.ts', status: 'failed', message: 'SyntaxError: here', assertionResults: [] },
    { name: 'c.test.ts', status: 'passed', assertionResults: [{ fullName: 'holds', status: 'passed' }] }
  ]
  expect(failuresOf([good, { ...bad, testResults }])).toEqual([
    'FAILED a.test.ts > breaks\nexpected 1 to be 2',
    'FAILED b.test.ts\nSyntaxError: here'
  ])
})
