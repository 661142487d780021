import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { GrowthRun } from './results.ts'

const WORKER = fileURLToPath(new URL('growth-worker.ts', import.meta.url))
const KEYS = [100_000, 1_000_000, 10_000_000]
const RECORDS = 1_000_000

/** What a record costs with 100,000 up to 10,000,000 keys in the store; without Kafka. */
export async function measureGrowth(keep: (run: GrowthRun) => Promise<void>): Promise<void> {
  const args = ['--conditions=millrace-source', WORKER, ...[RECORDS, ...KEYS].map(String)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise(resolve => child.once('exit', resolve))
  for await (const line of createInterface({ input: child.stdout })) await keep(JSON.parse(line) as GrowthRun)
  const code = await ended
  if (code !== 0) throw new Error(`${WORKER} ended with ${String(code)}.`)
}
