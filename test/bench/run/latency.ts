import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { capture } from '../../../scripts/run.ts'
import type { LatencyRun } from './results.ts'
import type { WorkloadOptions } from './run-workload.ts'
import type { System } from './systems.ts'
import { WorkerProcess } from './worker-process.ts'

const RECORDS_PER_SECOND = 1000
const WARM_SECONDS = 10
const SECONDS = 30
const STOP_TIMEOUT_MS = 60_000
const PROBE = fileURLToPath(new URL('latency-probe.ts', import.meta.url))

interface Probed {
  readonly missing: number
  readonly failed?: string
  readonly outputs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** W1 at a steady rate, with the systems in turns. */
export async function runLatency(
  systems: readonly System[],
  reps: number,
  options: WorkloadOptions,
  keep: (run: LatencyRun) => Promise<void>
): Promise<void> {
  for (let repetition = 1; repetition <= reps; repetition++) {
    for (const system of systems) {
      if (system.name !== 'ours-nc' && system.name !== 'java1nc') await keep(await measure(system, repetition, options))
    }
  }
}

async function measure(system: System, repetition: number, options: WorkloadOptions): Promise<LatencyRun> {
  const { topics, brokers, dir } = options
  const id = `bench-latency-${system.name}-${Math.floor(Date.now() / 1000).toString(36)}`
  const names = { BROKERS: brokers, INPUT: `${id}-in`, OUTPUT: `${id}-out` }
  const stateDir = join(dir, id)
  await mkdir(stateDir)
  for (const topic of [names.INPUT, names.OUTPUT]) await topics.remake(topic, { 'retention.ms': '-1' })
  const app = { ...names, WORKLOAD: 'W1', APP_ID: id, TABLE: '', STATE_DIR: stateDir, EXPECTED_RECORDS: '1000000000' }
  const { worker } = system
  const child = new WorkerProcess({ ...worker, env: { ...worker.env, ...app } }, join(dir, `${id}.log`))
  const pace = { RATE: RECORDS_PER_SECOND, WARM_SECONDS, SECONDS }
  const env: NodeJS.ProcessEnv = { ...process.env, ...names }
  for (const [name, value] of Object.entries(pace)) env[name] = String(value)
  const answer = capture(process.execPath, [PROBE], { env })
  const probed = JSON.parse(await answer) as Probed
  const ended = child.exitCode
  await child.stop(STOP_TIMEOUT_MS)
  await topics.cleanUp(id)
  const head = { piece: 'latency', system: system.name, repetition, recordsPerSecond: RECORDS_PER_SECOND } as const
  if (ended !== undefined) return { ...head, failure: `ended by itself with ${ended}; its log is in ${dir}` }
  const { missing, failed, ...figures } = probed
  if (failed !== undefined) return { ...head, failure: `the probe could not send: ${failed}` }
  if (missing > 0) return { ...head, failure: `${missing} outputs did not come` }
  return { ...head, ...figures }
}
