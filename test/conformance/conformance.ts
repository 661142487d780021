// Runs recorded cases: `npm run conformance -- FILE|DIR …`. A line for each area, what differs for each failure, the totals. A case
// that needs what does not exist yet has failed.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ConformanceCase } from './case-format.ts'
import { runCase } from './run-case.ts'

const given = process.argv.slice(2)
if (given.length === 0) {
  process.stderr.write('Usage: npm run conformance -- FILE|DIR …\n')
  process.exit(2)
}

const areas = new Map<string, { passed: number; failed: number }>()
for (const file of given.flatMap(filesOf)) {
  for (const testCase of casesOf(file)) {
    const area = areas.get(testCase.area) ?? { passed: 0, failed: 0 }
    areas.set(testCase.area, area)
    const differences = await differencesOf(testCase)
    if (differences.length === 0) area.passed++
    else {
      area.failed++
      process.stdout.write(
        `✗ ${testCase.id}\n${differences.map(text => `  ${text.replaceAll('\n', '\n  ')}\n`).join('')}`
      )
    }
  }
}

const width = Math.max(0, ...[...areas.keys()].map(name => name.length))
let passed = 0
let failed = 0
for (const [name, area] of [...areas].sort(([a], [b]) => (a < b ? -1 : 1))) {
  process.stdout.write(`${name.padEnd(width)}  ${area.passed} passed, ${area.failed} failed\n`)
  passed += area.passed
  failed += area.failed
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(path, name))
}

function casesOf(file: string): readonly ConformanceCase[] {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as ConformanceCase | readonly ConformanceCase[]
  return Array.isArray(cases) ? cases : [cases as ConformanceCase]
}

async function differencesOf(testCase: ConformanceCase): Promise<readonly string[]> {
  try {
    const verdict = await runCase(testCase)
    if (verdict.kind === 'unsupported') return [`needs what does not exist yet: ${verdict.why}`]
    return verdict.kind === 'passed' ? [] : verdict.differences
  } catch (error) {
    return [`the runner itself failed: ${error instanceof Error ? error.stack : String(error)}`]
  }
}
