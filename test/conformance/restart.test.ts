import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { casesOf } from './case-files.ts'
import type { ConformanceCase } from './case-format.ts'
import { restartStep } from './case-runs.ts'
import { runCase } from './run-case.ts'
import { runCases } from './run-cases.ts'

const all = casesOf([fileURLToPath(new URL('./fixtures/', import.meta.url))])
/** Opening a database takes time: `npm run conformance` runs all of them on LevelDB. */
const ON_LEVEL = 9

describe('a restart in the middle changes nothing', { timeout: 60_000 }, () => {
  test('in any case on stores in memory, kept or lost', async () => {
    const matrix = { stores: ['memory'], restartAt: 'random', disks: ['kept', 'lost'], seed: 1 } as const
    const { failures, restarted, runs } = await runCases(all, matrix)
    expect(failures).toEqual([])
    expect(restarted / all.length).toBeGreaterThan(0.95)
    expect(runs).toBeGreaterThan(1.9 * all.length)
  })

  test('in every ninth case on LevelDB, kept or lost', async () => {
    const some = all.filter((_case, index) => index % ON_LEVEL === 0)
    const matrix = { stores: ['level'], restartAt: 'random', disks: ['kept', 'lost'], seed: 2 } as const
    expect((await runCases(some, matrix)).failures).toEqual([])
  })
})

describe('a case is restarted', () => {
  const [stateless] = all as [ConformanceCase]
  const random = () => 0.999

  test('before its last step, or before the step that fails', () => {
    const steps = stateless.steps.slice(0, 3)
    const error = { step: 2, type: '', rootCause: '' }
    expect(restartStep({ ...stateless, steps }, 'random', random)).toBe(1)
    expect(restartStep({ ...stateless, steps, expect: { ...stateless.expect, error } }, 'random', random)).toBe(0)
    expect(restartStep({ ...stateless, steps: [] }, 'random', random)).toBe(-1)
    expect(restartStep({ ...stateless, steps }, 1, random)).toBe(1)
    expect(restartStep({ ...stateless, steps }, 99, random)).toBe(2)
  })

  test('not when its topology is refused', () => {
    const refused = all.filter(testCase => testCase.expect.error?.step === -1)
    expect(refused.length).toBeGreaterThan(0)
    for (const testCase of refused) expect(restartStep(testCase, 'random', random)).toBeUndefined()
  })

  test('not when a ticker counts, which a restart makes begin anew', async () => {
    const ticking = all.filter(({ nodes }) => nodes.some(({ processor }) => processor?.type === 'ticker'))
    expect(ticking.length).toBeGreaterThan(0)
    for (const testCase of ticking) expect(restartStep(testCase, 'random', random)).toBeUndefined()
    const verdicts = await Promise.all(
      ticking.map(testCase => {
        const restart = { afterStep: testCase.steps.length - 2, disk: 'kept' } as const
        return runCase(testCase, { stores: undefined, commits: () => false, restart })
      })
    )
    expect(verdicts.map(({ kind }) => kind)).toContain('failed')
  })
})
