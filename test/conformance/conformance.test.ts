import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ConformanceCase } from './case-format.ts'
import { caseTopology, Unsupported } from './case-topology.ts'
import { runCase } from './run-case.ts'

const FIXTURES = new URL('./fixtures/', import.meta.url)
const unsupported = new Set<string>()

for (const file of readdirSync(FIXTURES).sort()) {
  if (!file.endsWith('.json')) continue
  const cases = (JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as ConformanceCase[]).filter(isSupported)
  if (cases.length === 0) continue
  describe(file.replace('.json', ''), () => {
    test.each(cases.map(testCase => [testCase.id, testCase] as const))('%s', async (_id, testCase) => {
      expect(await runCase(testCase)).toEqual({ kind: 'passed' })
    })
  })
}

test('leaves out only cases that need what does not exist yet', () => {
  expect([...unsupported].sort()).toEqual([])
})

describe('the runner', () => {
  const [first] = JSON.parse(readFileSync(new URL('stateless.json', FIXTURES), 'utf8')) as [ConformanceCase]

  test('sees a wrong output', async () => {
    const outputs = first.expect.outputs.map(output => ({ ...output, ts: output.ts + 1 }))
    const verdict = await runCase({ ...first, expect: { ...first.expect, outputs } })
    expect(verdict.kind).toBe('failed')
  })

  test('sees a wrong description', async () => {
    const verdict = await runCase({ ...first, expect: { ...first.expect, describe: `${first.expect.describe} ` } })
    expect(verdict.kind).toBe('failed')
  })

  test('sees a missing error and a missing store', async () => {
    const error = { step: 0, type: 'StreamsException', rootCause: 'StreamsException' }
    const verdict = await runCase({ ...first, expect: { ...first.expect, error, stores: { nowhere: [] } } })
    expect(verdict).toMatchObject({
      kind: 'failed',
      differences: [expect.stringMatching(/^error: expected at step 0/), expect.stringMatching(/^store nowhere/)]
    })
  })
})

function isSupported(testCase: ConformanceCase): boolean {
  try {
    caseTopology(testCase)
  } catch (error) {
    if (error instanceof Unsupported) {
      unsupported.add(error.message)
      return false
    }
    // A case may expect that building fails.
  }
  return true
}
