// All topologies of the conformance cases as versions of an application: what is refused of them, and what is not.
import { fileURLToPath } from 'node:url'
import { type StateIdentity, stateIdentities, type TopologyChange, topologyChanges } from '@millrace/streams/topology'
import { expect, test } from 'vitest'
import { casesOf } from './case-files.ts'
import type { ConformanceCase } from './case-format.ts'
import { caseTopology } from './case-topology.ts'

const CASES = casesOf([fileURLToPath(new URL('./fixtures', import.meta.url))])

/** Undefined for a case that is about an error while building. */
function identitiesOf(testCase: ConformanceCase): StateIdentity[] | undefined {
  try {
    return stateIdentities(caseTopology(testCase))
  } catch {
    return undefined
  }
}

function changesOf(before: readonly StateIdentity[], now: readonly StateIdentity[]): TopologyChange[] {
  const left = new Map(before.map(identity => [identity.topic, identity]))
  return topologyChanges(left, now, topic => !left.has(topic))
}

test('every topology fits itself, and each of its internal topics is traced to topics of users', () => {
  let count = 0
  for (const testCase of CASES) {
    const [before, now] = [identitiesOf(testCase), identitiesOf(testCase)]
    if (before === undefined || now === undefined) continue
    count += before.length
    expect(changesOf(before, now), testCase.id).toEqual([])
    expect(new Set(before.map(({ topic }) => topic)).size, testCase.id).toBe(before.length)
    for (const { topic, sources, steps } of before) {
      expect(sources.length, `${testCase.id} ${topic}`).toBeGreaterThan(0)
      expect(steps.length, `${testCase.id} ${topic}`).toBeGreaterThan(0)
    }
  }
  expect(count).toBeGreaterThan(1000)
})

test('a source before all others is refused where names are generated, and nowhere else', () => {
  let refused = 0
  for (const testCase of CASES) {
    const before = identitiesOf(testCase)
    const source = testCase.nodes.find(({ op }) => op === 'stream')
    if (before === undefined || source === undefined || typeof source['topic'] !== 'string') continue
    const first = { ...source, id: 'first', topic: 'a-topic-of-its-own' }
    const now = identitiesOf({ ...testCase, nodes: [first, ...testCase.nodes] })
    if (now === undefined) continue
    const isRefused = changesOf(before, now).length > 0
    expect(isRefused, testCase.id).toBe(before.some(({ isGenerated }) => isGenerated))
    if (isRefused) refused++
  }
  expect(refused).toBeGreaterThan(100)
})
