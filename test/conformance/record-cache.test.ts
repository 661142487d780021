import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cacheComparisons, type Flushes, randomNumbers, randomRun } from './cache-runs.ts'
import type { ConformanceCase } from './case-format.ts'

// With a record cache fewer updates are made, and at other times. What is left at the end must be the same.
const FIXTURES = new URL('./fixtures/', import.meta.url)
const files = readdirSync(FIXTURES).filter(file => file.endsWith('.json'))
const comparisons = cacheComparisons(
  files.flatMap(file => JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as ConformanceCase[])
)

test('compares all stores and topics but a few that count updates', () => {
  const all = [...comparisons.values()].flatMap(({ samenesses }) => samenesses)
  const compared = all.filter(sameness => sameness !== 'none')
  expect(comparisons.size).toBeGreaterThan(500)
  expect(compared.length / all.length).toBeGreaterThan(0.96)
})

const RUNS: readonly [Flushes, number][] = [
  ['commits', 1],
  ['commits', 2],
  ['bytes', 3],
  ['bytes', 4],
  ['restarts', 5]
]

test.each(RUNS)('leaves the same rows and last outputs when %s flush the cache, seed %d', async (flushes, seed) => {
  const random = randomNumbers(seed)
  for (const [id, comparison] of comparisons) {
    const differences = await comparison.differences(randomRun(flushes, random, comparison.mayRestart))
    expect.soft(differences, id).toEqual([])
  }
})
