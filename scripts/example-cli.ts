// Runs an example: `npm run example 03-avro-orders`. Those that need a Kafka or a registry start their own, unless one is named.
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT, run } from './run.ts'

const examples = globSync('examples/*/package.json', { cwd: ROOT }).map(file => basename(join(file, '..')))
const [name = '', ...args] = process.argv.slice(2)
if (examples.includes(name)) {
  process.exitCode = await run('npm', ['start', '--silent', '--workspace', `examples/${name}`, '--', ...args])
} else {
  process.stderr.write(`There is no example '${name}'. Usage: npm run example ${examples.sort().join('|')}\n`)
  process.exitCode = 2
}
