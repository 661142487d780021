// New random cases against Kafka Streams: `npm run conformance:fuzz -- SEED N`. Asks a program that runs Kafka Streams what is to be
// expected, runs each case plainly and with a restart, on both kinds of stores, and compares.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ConformanceCase } from '../case-format.ts'
import { MATRIX_OPTIONS, MATRIX_USAGE, matrixOf } from '../matrix-options.ts'
import { failureText, reportText } from '../report-text.ts'
import { runCases } from '../run-cases.ts'
import { ORACLE_VARIABLE, OracleProgram } from './oracle-program.ts'
import { randomCase } from './random-case.ts'

const BATCH = 100
const USAGE = `Usage: npm run conformance:fuzz -- SEED N [OPTION …]
  --oracle DIR                 folder of the program that asks Kafka Streams; default $${ORACLE_VARIABLE}
  --save FILE                  write the cases with what is expected, for npm run conformance
${MATRIX_USAGE}Here the defaults are --stores both and --restart-at random, and every case runs without a restart as well.
`

const { oracle, count, seed, save, matrix } = readArguments()
const cases: ConformanceCase[] = []
for (let from = 0; from < count; from += BATCH) {
  const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => randomCase(seed, from + index))
  const { filled, refused } = await oracle.fill(batch)
  cases.push(...filled)
  for (const { id, why } of refused) process.stdout.write(`left out ${id}: ${why}\n`)
}
if (save !== undefined) writeCases(save, cases)
const report = await runCases(cases, matrix, failure => void process.stdout.write(failureText(failure)))
const withErrors = cases.filter(({ expect }) => expect.error !== null).length
process.stdout.write(`${withErrors} of ${cases.length} cases end in an error that is expected\n`)
process.stdout.write(reportText(report, matrix))
if (report.failures.length > 0) {
  const ids = new Set(report.failures.map(({ id }) => id))
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-fuzz-')), `failed-${seed}.json`)
  writeCases(
    file,
    cases.filter(({ id }) => ids.has(id))
  )
  process.stdout.write(`Once more: npm run conformance -- ${file}\n`)
}
process.exitCode = report.failed > 0 || report.passed === 0 ? 1 : 0

function writeCases(file: string, written: readonly ConformanceCase[]): void {
  writeFileSync(file, `[\n${written.map(testCase => JSON.stringify(testCase)).join(',\n')}\n]\n`)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { ...MATRIX_OPTIONS, oracle: { type: 'string' }, save: { type: 'string' } },
      allowPositionals: true
    })
    const [seedText = '', countText = ''] = positionals
    if (positionals.length !== 2 || !positionals.every(text => /^\d{1,9}$/.test(text))) {
      throw new Error('Give a seed and a number of cases.')
    }
    const given = { stores: 'both', 'restart-at': 'random', seed: seedText, ...values }
    return {
      oracle: new OracleProgram(values.oracle ?? process.env[ORACLE_VARIABLE]),
      seed: Number(seedText),
      count: Number(countText),
      save: values.save,
      matrix: { ...matrixOf(given), alsoPlain: true }
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}
