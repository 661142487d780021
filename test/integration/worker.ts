// A worker process: counts per key. It reports what happens to it over IPC, and its metrics when asked.
import { json, Millrace, StreamsBuilder, string } from 'millrace'
import type { WorkerOptions, WorkerOutput, WorkerReport } from './worker-options.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions
const report = (message: WorkerReport) => process.send?.(message)
const busyMs = options.busyMs ?? 0

const builder = new StreamsBuilder()
const input = builder.stream(options.input, { key: string(), value: string() }).peek(() => {
  for (const endMs = performance.now() + busyMs; performance.now() < endMs; );
})
const { regroupTo } = options
const grouped =
  regroupTo === undefined
    ? input.groupByKey()
    : input.groupBy(key => `g${Number(key.slice(1)) % regroupTo}`, { key: string() })
grouped
  .count({ store: 'counts' })
  .toStream()
  .mapValues((count): WorkerOutput => ({ count, pid: process.pid }))
  .to(options.output, { key: string(), value: json<WorkerOutput>() })

const app = new Millrace(builder.build(), {
  ...options.app,
  restoreListener: {
    onRestoreEnd: ({ taskId, startOffset, totalRestored }) =>
      report({ restored: { taskId, from: startOffset, records: totalRestored } })
  },
  logger: {
    debug() {},
    info() {},
    warn: warning => report({ warning }),
    error: warning => report({ warning })
  }
})
app.onStateChange(state => report({ state }))
const reportMetrics = async () => {
  const { tasks, processedRecords, bufferedInputBytes } = await app.metrics()
  report({ tasks: Object.keys(tasks), processedRecords, bufferedInputBytes, rssBytes: process.memoryUsage.rss() })
}
process.on('message', () => void reportMetrics())
// An open channel keeps the process alive; what was reported is sent before it closes.
try {
  await app.run(options.untilEnd === true ? { until: 'end' } : {})
} finally {
  process.disconnect?.()
}
