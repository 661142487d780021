import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ConformanceCase } from './case-format.ts'
import { caseTopology } from './case-topology.ts'
import { runCase } from './run-case.ts'
import { Unsupported } from './unsupported.ts'

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

  test('shows the step of a wrong output, both sides, and no more of a description or a store than differs', async () => {
    const file = new URL('windows-time.json', FIXTURES)
    const [counted] = JSON.parse(readFileSync(file, 'utf8')) as [ConformanceCase]
    const { outputs, stores, describe } = counted.expect
    const wrong = {
      outputs: outputs.map((output, index) => (index === 1 ? { ...output, value: 999 } : output)).slice(0, 3),
      stores: { c: [...(stores?.['c'] ?? []), { key: 'z', start: 0, value: 1, ts: 0 }], d: [] },
      describe: describe?.replace('(stores: [c])', '(stores: [d])') ?? null
    }
    const verdict = await runCase({ ...counted, expect: { ...counted.expect, ...wrong } })
    const [described, output, store, missing] = verdict.kind === 'failed' ? verdict.differences : []
    expect(described).toMatch(/^describe, from line 3: expected\n[^]*\[d\][^]*\ngot\n[^]*\[c\]/)
    expect(output).toMatch(/of step 1, expected\n {2}{"step":1,.*999,[^]*\ngot\n {2}{"step":1,/)
    expect(store).toBe(
      'store c, after the last step: expected\n  {"key":"z","start":0,"value":1,"ts":0}\ngot\n  nothing'
    )
    expect(missing).toBe('store d, after the last step: expected\n  nothing\ngot\n  no such store')
  })

  test.each<[string, Partial<ConformanceCase>]>([
    ['an operator', { nodes: [...first.nodes, { op: 'zip', from: first.nodes[0]?.id ?? '' }] }],
    ['a function', { nodes: [...first.nodes, { op: 'map', from: first.nodes[0]?.id ?? '', key: { fn: 'zip' } }] }],
    ['an input', { nodes: [...first.nodes, { op: 'peek', from: 'nowhere' }] }],
    ['a step', { steps: [{ zip: 1 } as never] }]
  ])('does not take %s that it does not know for an error that is expected', async (_what, change) => {
    const steps = change.steps === undefined ? -1 : 0
    const error = { step: steps, type: 'StreamsException', rootCause: 'StreamsException' }
    const verdict = await runCase({ ...first, ...change, expect: { ...first.expect, error, describe: null } })
    expect(verdict.kind).toBe('unsupported')
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
