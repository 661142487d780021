// Runs recorded cases: `npm run conformance -- FILE|DIR …`. What differs for each failure, a line for each area, the totals. A case
// that needs what there is not has failed.
import { parseArgs } from 'node:util'
import { casesOf } from './case-files.ts'
import { MATRIX_OPTIONS, MATRIX_USAGE, matrixOf } from './matrix-options.ts'
import { failureText, reportText } from './report-text.ts'
import { runCases } from './run-cases.ts'

const USAGE = `Usage: npm run conformance -- FILE|DIR … [OPTION …]\n${MATRIX_USAGE}`

const { cases, matrix } = readArguments()
const report = await runCases(cases, matrix, failure => void process.stdout.write(failureText(failure)))
process.stdout.write(reportText(report, matrix))
process.exitCode = report.failed > 0 || report.passed === 0 ? 1 : 0

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { ...MATRIX_OPTIONS, help: { type: 'boolean' } },
      allowPositionals: true
    })
    if (values.help === true) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    if (positionals.length === 0) throw new Error('Name files or folders with cases.')
    return { cases: casesOf(positionals), matrix: matrixOf(values) }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}
