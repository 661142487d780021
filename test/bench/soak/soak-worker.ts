/**
 * The application of the soak, built and run as users run theirs. It prints how many records it has processed, often, and a line of JSON
 * each second.
 */
import { Millrace } from 'millrace'
import { type SoakCounts, soakTopology } from './soak-topology.ts'

const REPORT_MS = 100
const SAMPLE_MS = 1000

const [brokers, stateDir] = process.argv.slice(2) as [string, string]
const counts: SoakCounts = { records: 0, opened: 0, closed: 0 }
const app = new Millrace(soakTopology(counts), { applicationId: 'soak', brokers: [brokers], stateDir })
setInterval(() => console.log(`RECORDS ${counts.records}`), REPORT_MS).unref()
setInterval(() => {
  const { heapUsed, rss, external } = process.memoryUsage()
  const { records, opened, closed } = counts
  console.log(JSON.stringify({ records, heapUsed, rss, external, openWindows: opened - closed }))
}, SAMPLE_MS).unref()
await app.run()
