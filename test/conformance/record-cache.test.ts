import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cacheComparisons, FLUSHES, randomNumbers, randomRun } from './cache-runs.ts'
import type { ConformanceCase } from './case-format.ts'
import { randomTables } from './random-tables.ts'

// With a record cache fewer updates are made, and at other times. What is left at the end must be the same.
const FIXTURES = new URL('./fixtures/', import.meta.url)
const files = readdirSync(FIXTURES).filter(file => file.endsWith('.json'))
const recorded = cacheComparisons(
  files.flatMap(file => JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as ConformanceCase[])
)
const tables = cacheComparisons(
  Array.from({ length: 120 }, (_, index) => randomTables(`tables ${index}`, randomNumbers(7919 * (index + 1))))
)

test.each([
  ['the recorded cases', recorded, 500, 0.95],
  ['random tables', tables, 115, 0.85]
])('compares nearly all stores and topics of %s', (_what, comparisons, atLeast, share) => {
  const all = [...comparisons.values()].flatMap(({ samenesses }) => samenesses)
  const compared = all.filter(sameness => sameness !== 'none')
  expect(comparisons.size).toBeGreaterThan(atLeast)
  expect(compared.length / all.length).toBeGreaterThan(share)
})

test.each(FLUSHES)('leaves the rows and last outputs of recorded cases, flushed by %s', async flushes => {
  const random = randomNumbers(1)
  for (const [id, comparison] of recorded) {
    const differences = await comparison.differences(randomRun(flushes, random, comparison.mayRestart))
    expect.soft(differences, id).toEqual([])
  }
})

test.each(FLUSHES)('leaves the rows and last outputs of random tables, flushed by %s', async flushes => {
  for (const seed of [2, 3]) {
    const random = randomNumbers(seed)
    for (const [id, comparison] of tables) {
      const differences = await comparison.differences(randomRun(flushes, random, comparison.mayRestart))
      expect.soft(differences, `${id}, seed ${seed}`).toEqual([])
    }
  }
})
