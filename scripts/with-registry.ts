// Runs a command with REGISTRY_URL set: `node scripts/with-registry.ts vitest run --project registry`. Where it is not set
// already, a registry of our own is started on a free port and goes when the command has ended, however it ended.
import { runWith } from './run-with.ts'
import { startRegistry } from './schema-registry.ts'

const given = process.env.REGISTRY_URL
const registry = given === undefined || given === '' ? await startRegistry() : undefined
const url = registry?.url ?? given
process.stdout.write(
  `Schema registry: ${url}${registry === undefined ? ' (from REGISTRY_URL)' : ' (started for this run)'}\n`
)
await runWith('with-registry.ts', { REGISTRY_URL: url }, () => registry?.stop())
