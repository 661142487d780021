import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Visitor } from '@swc/core/Visitor.js'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
// @ts-expect-error a plain JavaScript configuration file
import configuration from '../.dependency-cruiser.mjs'
import { runtimeCycles } from './runtime-cycles.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FIXTURES = fileURLToPath(new URL('../test/layers/fixtures', import.meta.url))
const FOLDERS = ['packages', 'examples', 'test', 'scripts']

/** What the planted files break: each must be reported, and nothing else. */
const PLANTED = [
  'client/src/reaches-in.ts → streams/src/runtime/task.ts (package-client)',
  'streams/src/core/reaches-up.ts → node:path (core-without-node)',
  'streams/src/core/reaches-up.ts → streams/src/runtime/task.ts (streams-core)',
  'streams/src/dsl/join.ts → streams/src/dsl/table.ts → streams/src/dsl/join.ts (no-circular)',
  'streams/src/runtime/task.ts → streams/src/dsl/table.ts (streams-runtime)'
]

// The visitor by which dependency-cruiser walks through a file knows no `using`, and gives up where it meets one.
const visitStatement = Visitor.prototype.visitStatement
Visitor.prototype.visitStatement = function visitAlsoUsing(statement) {
  return (statement.type as string) === 'UsingDeclaration' ? statement : visitStatement.call(this, statement)
}

const problems: string[] = []

const planted = violations(await cruiseTree(FIXTURES, ['packages']), FIXTURES)
for (const violation of PLANTED) {
  if (!planted.includes(violation))
    problems.push(`A planted violation was not found, the rules are blind: ${violation}`)
}
for (const violation of planted) {
  if (!PLANTED.includes(violation)) problems.push(`In the fixtures, unexpectedly: ${violation}`)
}

const files = sourceFiles()
const result = await cruiseTree(ROOT, [...new Set(files.map(file => file.split('/')[0] as string))])
const seen = new Set(result.modules.map(module => module.source))
const unseen = files.filter(file => !seen.has(file))
if (files.length === 0) problems.push('No source file found at all.')
for (const file of unseen) problems.push(`dependency-cruiser did not see ${file}`)
problems.push(...violations(result, ROOT))

for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(
  `${files.length} files, ${result.summary.totalDependenciesCruised ?? 0} imports, ${PLANTED.length} planted violations ` +
    `found, ${problems.length} problems\n`
)
if (problems.length > 0) process.exitCode = 1

async function cruiseTree(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const rules = { forbidden: configuration.forbidden }
  const options = { ...configuration.options, baseDir, ruleSet: rules, validate: true }
  if (baseDir === ROOT) options.exclude = { path: [options.exclude.path, '/fixtures/'] }
  process.chdir(baseDir)
  const { output } = await cruise(folders, options, { ...configuration.options.enhancedResolveOptions })
  if (typeof output === 'string') throw new Error('dependency-cruiser gave a text where a result was expected.')
  return output
}

function violations(result: ICruiseResult, baseDir: string): string[] {
  const short = (path: string): string => path.replace(/^packages\//, '')
  const broken = result.summary.violations.map(
    ({ from, to, rule }) => `${short(from)} → ${to === 'path' ? 'node:path' : short(to)} (${rule.name})`
  )
  const cycles = runtimeCycles(result.modules, baseDir).map(cycle => `${cycle.map(short).join(' → ')} (no-circular)`)
  return [...broken, ...cycles].sort()
}

function sourceFiles(): string[] {
  const pattern = `{${FOLDERS.join(',')}}/**/*.{ts,mjs,js}`
  return globSync(pattern, {
    cwd: ROOT,
    exclude: name => /(^|\/)(node_modules|dist|fixtures|\.cache)$/.test(name)
  }).sort()
}
