// One worker of the chaos test: counts per key, each output marked with the incarnation that made it.
import { json, Millrace, StreamsBuilder, string } from 'millrace'
import type { ChaosOutput } from './chaos-output.ts'

const [brokers, applicationId, stateDir, guarantee, input, output] = process.argv.slice(2) as [
  string,
  string,
  string,
  'at_least_once' | 'exactly_once',
  string,
  string
]
const incarnation = `${process.env['CHAOS_SLOT'] ?? '0'}-${process.pid}`

const builder = new StreamsBuilder()
builder
  .stream(input, { key: string(), value: string() })
  .groupByKey()
  .count({ store: 'counts' })
  .toStream()
  .mapValues((count): ChaosOutput => ({ count, incarnation }))
  .to(output, { key: string(), value: json<ChaosOutput>() })

const app = new Millrace(builder.build(), {
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
