// One worker of the chaos test: counts per key, each output marked with the incarnation that made it.
import { Millrace } from 'millrace'
import { chaosTopology } from './chaos-topology.ts'

const [brokers, applicationId, stateDir, guarantee, input, output] = process.argv.slice(2) as [
  string,
  string,
  string,
  'at_least_once' | 'exactly_once',
  string,
  string
]
const incarnation = `${process.env['CHAOS_SLOT'] ?? '0'}-${process.pid}`

const app = new Millrace(chaosTopology(input, output, incarnation), {
  applicationId,
  brokers: [brokers],
  stateDir,
  processingGuarantee: guarantee,
  cacheBytes: 0,
  // Long enough that a transaction is open nearly always.
  commitIntervalMs: guarantee === 'exactly_once' ? 500 : 1_000,
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 1_000,
  restoreListener: {
    onRestoreEnd: restored =>
      process.send?.({ restored: restored.totalRestored, from: restored.startOffset, to: restored.endOffset })
  },
  logger: {
    debug() {},
    info() {},
    warn: message => console.log(`${incarnation} warn ${message}`),
    error: message => console.log(`${incarnation} error ${message}`)
  }
})
app.onStateChange(state => process.send?.({ state }))
try {
  await app.run()
} finally {
  process.disconnect?.()
}
