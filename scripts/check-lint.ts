import { capture, run } from './run.ts'

/** What oxlint must find in the planted file; fewer, and its type-aware rules are not running. */
const PLANTED = [
  'typescript(await-thenable)',
  'typescript(no-floating-promises)',
  'typescript(no-floating-promises)',
  'typescript(no-misused-promises)',
  'typescript(no-misused-promises)',
  'typescript(return-await)'
]
const FIXTURES = 'test/lint/fixtures'

const planted = ['--type-aware', '-c', `${FIXTURES}/planted.oxlintrc.json`, '--format', 'json', FIXTURES]
// oxlint fails because of what it finds, which is what we want to read.
const report = await capture('sh', ['-c', 'oxlint "$@" || true', 'sh', ...planted])
const { diagnostics } = JSON.parse(report) as { diagnostics: { code: string }[] }
const found = diagnostics.map(({ code }) => code).sort()
if (found.join() !== PLANTED.join()) {
  process.stderr.write(`In ${FIXTURES} oxlint should find\n  ${PLANTED.join(', ')}\nand found\n  ${found.join(', ')}\n`)
  process.exitCode = 1
}
const code = await run('oxlint', ['--type-aware', '--deny-warnings', '.'])
if (code !== 0) process.exitCode = code
