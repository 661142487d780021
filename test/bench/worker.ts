/**
 * The worker of the benchmark: runs one workload over a real broker, as environment variables tell it, until SIGTERM.
 * README.md beside it has the contract. Built with `npm run bench:build` and run as users run it, from compiled packages.
 */
import { Millrace, StreamsBuilder } from 'millrace'
import { WORKLOADS } from './workloads.ts'

const UNSUPPORTED = 3

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new Error(`The environment variable ${name} is missing; see test/bench/README.md.`)
  return value
}

const workload = WORKLOADS[required('WORKLOAD')]
if (workload === undefined) process.exit(UNSUPPORTED)

const expectedRecords = Number(required('EXPECTED_RECORDS'))
let records = 0
const onRecord = () => {
  if (records++ === 0) console.log(`FIRST_RECORD ${Date.now()}`)
  if (records === expectedRecords) console.log(`LAST_RECORD ${Date.now()}`)
}

const builder = new StreamsBuilder()
workload.build(
  builder,
  { input: required('INPUT'), output: required('OUTPUT'), table: process.env['TABLE'] ?? '' },
  onRecord
)
const app = new Millrace(builder.build(), {
  applicationId: required('APP_ID'),
  brokers: required('BROKERS').split(','),
  stateDir: required('STATE_DIR'),
  processingGuarantee: workload.exactlyOnce ? 'exactly_once' : 'at_least_once',
  ...(process.env['CACHE_BYTES'] === undefined ? {} : { cacheBytes: Number(process.env['CACHE_BYTES']) }),
  ...(process.env['STATE_MEMORY_BYTES'] === undefined
    ? {}
    : { stateMemoryBytes: Number(process.env['STATE_MEMORY_BYTES']) }),
  restoreListener: {
    onRestoreStart: () => console.log(`RESTORE_START ${Date.now()}`),
    onRestoreEnd: () => console.log(`RESTORE_END ${Date.now()}`)
  }
})
await app.run()
