// Random tables with a record cache and without: `npm run conformance:cache -- SEED N`, or the cases of files: `… -- SEED FILE…`.
// A line for each row that should be the same and is not.
import { cacheComparisons, FLUSHES, randomNumbers, randomRun } from './cache-runs.ts'
import { casesOf } from './case-files.ts'
import type { ConformanceCase } from './case-format.ts'
import { randomTables } from './random-tables.ts'

const [seedText = '', first = '', ...more] = process.argv.slice(2)
const seed = Number(seedText)
if (seedText === '' || first === '' || !Number.isSafeInteger(seed)) {
  process.stderr.write('Usage: npm run conformance:cache -- SEED N | SEED FILE…\n')
  process.exit(2)
}

const count = /^\d+$/.test(first) ? Number(first) : undefined
let compared = 0
let failed = 0
for (const batch of count === undefined ? read([first, ...more]) : randomCases(count)) {
  for (const [id, comparison] of cacheComparisons(batch)) {
    for (const flushes of FLUSHES) {
      const differences = await comparison.differences(randomRun(flushes, randomNumbers(seed), comparison.mayRestart))
      compared++
      if (differences.length > 0) failed++
      for (const difference of differences) process.stdout.write(`${id}, flushed by ${flushes}: ${difference}\n`)
    }
  }
}
process.stdout.write(`${compared} compared, ${failed} failed\n`)
process.exitCode = failed > 0 || compared === 0 ? 1 : 0

function* randomCases(count: number): Generator<readonly ConformanceCase[]> {
  for (let i = 0; i < count; i++) {
    yield [randomTables(`tables ${seed} ${i}`, randomNumbers(Math.imul(seed, 1_000_003) + Math.imul(i + 1, 7919)))]
  }
}

function read(files: readonly string[]): (readonly ConformanceCase[])[] {
  try {
    return files.map(file => casesOf([file]))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(2)
  }
}
