import { readFileSync } from 'node:fs'
import { run } from './run.ts'

/** In this order, cheapest first; the names are those of package.json. */
const STEPS = ['check:format', 'check:lint', 'check:types', 'check:layers', 'check:unused', 'check:package']

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>
}
const missing = Object.keys(scripts).filter(name => name.startsWith('check:') && !STEPS.includes(name))
if (missing.length > 0) throw new Error(`scripts/check.ts leaves out ${missing.join(', ')}.`)

const failed: string[] = []
for (const step of STEPS) {
  process.stdout.write(`\n▶ ${step}\n`)
  // All are run, so that one look shows everything there is to mend.
  if ((await run('npm', ['run', '--silent', step])) !== 0) failed.push(step)
}
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${failed.join(', ')}\n`)
if (failed.length > 0) process.exitCode = 1
