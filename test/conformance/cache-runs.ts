import { CacheComparison } from './cache-comparison.ts'
import type { CacheRun } from './cache-observation.ts'
import type { ConformanceCase } from './case-format.ts'
import { Unsupported } from './unsupported.ts'

/** What mostly empties the caches: commits, their size, or the end of the application. */
export const FLUSHES = ['commits', 'bytes', 'restarts'] as const
export type Flushes = (typeof FLUSHES)[number]

/** The comparisons of those cases that succeed and have something to be cached, by id. */
export function cacheComparisons(cases: readonly ConformanceCase[]): ReadonlyMap<string, CacheComparison> {
  const comparisons = new Map<string, CacheComparison>()
  for (const testCase of cases) {
    if (testCase.expect.error !== null) continue
    try {
      const comparison = new CacheComparison(testCase)
      if (comparison.hasStores) comparisons.set(testCase.id, comparison)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
    }
  }
  return comparisons
}

export function randomRun(flushes: Flushes, random: () => number, mayRestart: boolean): CacheRun {
  // From one update to all of them.
  const cacheBytes = flushes === 'bytes' ? 100 + Math.floor(random() * 1500) : 1_000_000
  return {
    cacheBytes,
    commits: () => random() < (flushes === 'commits' ? 0.2 : 0.03),
    restarts: () => flushes === 'restarts' && mayRestart && random() < 0.05
  }
}

/** Numbers in [0, 1), the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state / 0x8000_0000
  }
}
