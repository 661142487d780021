import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stateBytesIn } from '../state-bytes.ts'
import { BASE_MS, entryJson } from '../data/clicks-input.ts'
import { Random } from '../core/core-records.ts'
import type { TasksRun } from './results.ts'
import type { WorkloadOptions } from './run-workload.ts'
import { ourWorker } from './systems.ts'
import { WorkerProcess } from './worker-process.ts'

const KEYS_PER_RECORD = 2
const MIB = 2 ** 20
/** Tasks, and stateMemoryBytes. */
const CASES = [
  [1, 64 * MIB],
  [24, 64 * MIB],
  [24, 16 * MIB]
] as const
const STOP_TIMEOUT_MS = 120_000

/**
 * Memory of one application with many tasks and several times as much state as it may hold in memory: two keys for each of `records`,
 * and then `records` updates of keys all over.
 */
export async function runTasks(options: WorkloadOptions, keep: (run: TasksRun) => Promise<void>): Promise<void> {
  for (const [tasks, stateMemoryBytes] of CASES) await keep(await measure(tasks, stateMemoryBytes, options))
}

async function measure(tasks: number, stateMemoryBytes: number, options: WorkloadOptions): Promise<TasksRun> {
  const { topics, brokers, dir, timeoutMs, records: updates } = options
  const keys = KEYS_PER_RECORD * updates
  const id = `bench-tasks-${tasks}-${Math.floor(Date.now() / 1000).toString(36)}`
  const [input, output, stateDir] = [`bench-tasks-${keys}-${tasks}`, `${id}-out`, join(dir, id)]
  if ((await topics.count(input)) !== keys + updates) {
    await topics.remake(input, { 'retention.ms': '-1' }, tasks)
    const random = new Random()
    await topics.fill(input, keys + updates, (append, i) => {
      const key = i < keys ? i : random.next(keys)
      append(key % tasks, `k${key}`, entryJson(key, i < keys ? 0 : 1), BASE_MS + i)
    })
  }
  await topics.remake(output, {}, tasks)
  await mkdir(stateDir)
  const worker = ourWorker('worker.js', {
    ...{ BROKERS: brokers, WORKLOAD: 'state', APP_ID: id, INPUT: input, OUTPUT: output, STATE_DIR: stateDir },
    ...{ EXPECTED_RECORDS: String(keys + updates), STATE_MEMORY_BYTES: String(stateMemoryBytes) }
  })
  const log = join(dir, `${id}.log`)
  const child = new WorkerProcess(worker, log)
  const deadline = performance.now() + timeoutMs
  while (child.markMs('LAST_RECORD') === undefined && child.exitCode === undefined && performance.now() < deadline) {
    await child.change(1000)
  }
  const done = child.markMs('LAST_RECORD') !== undefined
  await child.stop(STOP_TIMEOUT_MS)
  const stateBytes = stateBytesIn(stateDir)
  await topics.cleanUp(id)
  const { peakRssBytes, peakOwnBytes } = child
  const head = { piece: 'tasks', tasks, stateMemoryBytes, keys } as const
  if (!done) return { ...head, failure: `did not process all records; its log is ${log}` }
  return { ...head, stateBytes, peakRssBytes, peakOwnBytes }
}
