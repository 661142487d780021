import { readFile, rename, writeFile } from 'node:fs/promises'
import type { WorkloadName } from '../data/expected-output.ts'
import type { SystemName } from './systems.ts'

/** One system on one workload, once. */
export interface WorkloadRun {
  readonly piece: 'workload'
  readonly workload: WorkloadName
  readonly system: SystemName
  readonly records: number
  readonly repetition: number
  /** Why it does not count; then there is no more than this. */
  readonly failure?: string | undefined
  /** The first record processed until the last output appended; W6: the start of the process until the last probe processed. */
  readonly seconds?: number | undefined
  readonly recordsPerSecond?: number | undefined
  readonly cpuSeconds?: number | undefined
  readonly peakRssBytes?: number | undefined
  /** From the start of the process to the first record processed. */
  readonly startSeconds?: number | undefined
  readonly outputs?: number | undefined
  readonly brokerCpuSeconds?: number | undefined
  /** What everything else on the machine took meanwhile. */
  readonly otherCpuSeconds?: number | undefined
}

/** Latency from the sending of a record to the reading of its output, in one run. */
export interface LatencyRun {
  readonly piece: 'latency'
  readonly system: SystemName
  readonly repetition: number
  readonly recordsPerSecond: number
  readonly failure?: string | undefined
  readonly outputs?: number | undefined
  readonly p50Ms?: number | undefined
  readonly p99Ms?: number | undefined
  readonly maxMs?: number | undefined
}

/** What a record costs once a store holds so many keys. */
export interface GrowthRun {
  readonly piece: 'growth'
  readonly keys: number
  readonly drawn: 'power law' | 'uniform'
  readonly records: number
  readonly cpuMicros: number
  readonly wallMicros: number
  readonly peakRssBytes: number
  readonly stateBytes: number
}

/** What the shape of the input's JSON costs. */
export interface JsonRun {
  readonly piece: 'json'
  readonly workload: WorkloadName
  readonly shape: string
  readonly records: number
  readonly repetition: number
  readonly failure?: string | undefined
  readonly recordsPerSecond?: number | undefined
  readonly cpuSeconds?: number | undefined
}

/** Memory of an application with many tasks and much more state than it may hold in memory. */
export interface TasksRun {
  readonly piece: 'tasks'
  readonly tasks: number
  readonly stateMemoryBytes: number
  readonly keys: number
  readonly failure?: string | undefined
  /** On disk. */
  readonly stateBytes?: number | undefined
  readonly peakRssBytes?: number | undefined
  /** The peak of the RSS without mapped files. */
  readonly peakOwnBytes?: number | undefined
}

export type BenchRun = WorkloadRun | LatencyRun | GrowthRun | JsonRun | TasksRun

export interface BenchResults {
  readonly machine: Readonly<Record<string, string | number>>
  readonly runs: readonly BenchRun[]
}

/** Replaces the file at once, so that a benchmark that was stopped leaves what it had. */
export async function writeResults(file: string, results: BenchResults): Promise<void> {
  await writeFile(`${file}.part`, `${JSON.stringify(results, undefined, 2)}\n`)
  await rename(`${file}.part`, file)
}

/** The runs of several files as if they were of one. */
export async function readResults(files: readonly string[]): Promise<BenchResults> {
  const all = await Promise.all(
    files.map(async file => {
      const results = JSON.parse(await readFile(file, 'utf8')) as BenchResults
      if (!Array.isArray(results.runs)) throw new Error(`${file} has no results of this benchmark.`)
      return results
    })
  )
  return { machine: Object.assign({}, ...all.map(({ machine }) => machine)), runs: all.flatMap(({ runs }) => runs) }
}
