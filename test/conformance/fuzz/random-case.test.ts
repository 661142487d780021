import { describe, expect, test } from 'vitest'
import { casesOf } from '../case-files.ts'
import { caseTopology } from '../case-topology.ts'
import { randomCase } from './random-case.ts'

const cases = Array.from({ length: 300 }, (_, number) => randomCase(11, number))

describe('random cases', () => {
  test('are the same for the same seed and number, and others for others', () => {
    expect(randomCase(11, 7)).toEqual(cases[7])
    expect(randomCase(12, 7)).not.toEqual(cases[7])
  })

  test('are of topologies that can be built, mostly', () => {
    let built = 0
    for (const made of cases) {
      const testCase = { ...made, expect: { outputs: [], stores: null, describe: null, error: null } }
      try {
        if (caseTopology(testCase).describe() !== '') built++
      } catch {
        // Some are refused, as Kafka Streams refuses them.
      }
    }
    expect(built).toBeGreaterThan(285)
  })

  test('use every operation and processor that recorded cases use', () => {
    const recorded = casesOf([new URL('../fixtures/', import.meta.url).pathname])
    const opsOf = (nodes: (typeof cases)[number]['nodes']) =>
      nodes.flatMap(({ op, processor, window }) => [op, processor?.type ?? op, window?.type ?? op])
    const used = new Set(cases.flatMap(({ nodes }) => opsOf(nodes)))
    const missing = new Set(recorded.flatMap(({ nodes }) => opsOf(nodes)).filter(op => !used.has(op)))
    expect([...missing]).toEqual([])
  })

  test('send records to every topic that is read, with nulls, headers and stragglers', () => {
    const pipes = cases.flatMap(({ steps }) => steps.flatMap(step => ('pipe' in step ? [step.pipe] : [])))
    expect(pipes.some(({ key }) => key === null)).toBe(true)
    expect(pipes.some(({ value }) => value === null)).toBe(true)
    expect(pipes.some(({ headers }) => headers !== undefined)).toBe(true)
    expect(pipes.some(({ ts }, index) => ts < (pipes[index - 1]?.ts ?? 0))).toBe(true)
    expect(cases.some(({ steps }) => steps.some(step => 'advanceWallClockMs' in step))).toBe(true)
  })
})
