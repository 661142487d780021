// Prints the last line of `.ci/run` from the reports of its vitest runs, and fails when anything did.
// Usage: count-tests.ts REPORT_FOLDER [FAILED_STEP…]
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failuresOf, totalOf, type VitestReport } from './test-totals.ts'

const [folder, ...failedSteps] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: count-tests.ts REPORT_FOLDER [FAILED_STEP…]')
const reports = readdirSync(folder).map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as VitestReport)

for (const failure of failuresOf(reports)) process.stdout.write(`\n${failure}\n`)
if (failedSteps.length > 0) process.stdout.write(`\nFailed: ${failedSteps.join(', ')}\n`)
const { passed, failed } = totalOf(reports, failedSteps)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
if (failed > 0) process.exitCode = 1
