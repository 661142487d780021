// Measures one case of memory-cases.ts in a process of its own: `node --expose-gc memory-worker.ts CASE STORE COUNT`.
import { stateBytesIn } from '../state-bytes.ts'
import { CoreTask } from './core-task.ts'
import { MEMORY_CASES, type MemoryCase, memoryRecords, memoryTopology } from './memory-cases.ts'
import { type CoreStore, openRawStore } from './run-core.ts'

const [index, store, total] = process.argv.slice(2)
const memoryCase = MEMORY_CASES[Number(index)] as MemoryCase
const count = Number(total)
const records = memoryRecords(memoryCase, count)
const { raw, stateDir, dispose } = await openRawStore(store as CoreStore)
// All in memory, so that all can be counted; an application holds `stateMemoryBytes` of it.
const task = await CoreTask.open(memoryTopology(memoryCase), records, raw, { cleanBytes: Number.MAX_SAFE_INTEGER })

// The first records bring code and tables into being; they count neither before nor after.
const warm = Math.floor(count / 10)
await step(warm)
const before = settled()
for (let end = warm + 5000; end < count + 5000; end += 5000) await step(Math.min(end, count))
const after = settled()
await task.close()
const diskBytes = stateBytesIn(stateDir)
await dispose()
const units = count - warm
process.stdout.write(
  `${JSON.stringify({
    heapBytes: (after.heap - before.heap) / units,
    rssBytes: (after.rss - before.rss) / units,
    diskBytes: diskBytes / count
  })}\n`
)

async function step(end: number): Promise<void> {
  task.processTo(end)
  await task.commit()
  task.clearLogs()
}

function settled(): { heap: number; rss: number } {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}
