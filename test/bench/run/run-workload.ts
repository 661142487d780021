import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchTopics } from '../data/bench-topics.ts'
import { PROBES } from '../data/clicks-input.ts'
import { ExpectedOutput, type WorkloadName } from '../data/expected-output.ts'
import { OutputReader } from './output-reader.ts'
import { machineBusySeconds, processStat } from './proc-files.ts'
import type { WorkloadRun } from './results.ts'
import type { System } from './systems.ts'
import { WorkerProcess } from './worker-process.ts'

const STOP_TIMEOUT_MS = 120_000
/** How often the output of a system is looked at that does not say when it is done. */
const LOOK_MS = 500
const OUTPUT_CONFIGS = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' }
const UNSUPPORTED = 3

export interface WorkloadOptions {
  readonly topics: BenchTopics
  readonly brokers: string
  readonly brokerPid: number | undefined
  readonly records: number
  readonly seed: number
  /** Where state directories and logs are. */
  readonly dir: string
  readonly timeoutMs: number
  /** Another topic with the same clicks. */
  readonly input?: string
}

/** One workload on all systems that do it. */
export async function runWorkload(
  workload: WorkloadName,
  systems: readonly System[],
  reps: number,
  options: WorkloadOptions,
  keep: (run: WorkloadRun) => Promise<void>
): Promise<void> {
  const runners: WorkloadRunner[] = []
  try {
    for (const system of systems) {
      if (!system.workloads.includes(workload)) continue
      const runner = new WorkloadRunner(workload, system, options)
      const failed = await runner.prepare()
      if (failed === undefined) runners.push(runner)
      else await keep(failed)
    }
    // Systems take turns, so that a change of the machine's mood meets all of them.
    for (let repetition = 1; repetition <= reps; repetition++) {
      for (const runner of runners) await keep(await runner.run())
    }
  } finally {
    for (const runner of runners) await runner.close()
  }
}

/** A run that gave no figure. */
class RunFailed extends Error {}

/** One workload on one system, as often as it is repeated. */
export class WorkloadRunner {
  readonly #o: WorkloadOptions
  readonly #system: System
  readonly #workload: WorkloadName
  readonly #id: string
  #repetition = 0

  constructor(workload: WorkloadName, system: System, options: WorkloadOptions) {
    this.#o = options
    this.#system = system
    this.#workload = workload
    this.#id = `bench-${workload.toLowerCase()}-${system.name}-${Math.floor(Date.now() / 1000).toString(36)}`
  }

  /** Fills the store that W6 restores; nothing otherwise. @returns what to keep when it did not work. */
  async prepare(): Promise<WorkloadRun | undefined> {
    if (this.#workload !== 'W6') return undefined
    const { topics, records } = this.#o
    await topics.entries(this.#input, records)
    const failure = await this.#attempt(async () => {
      await this.#drive(this.#id, this.#input, records, this.#expected(0), 'fill')
    })
    return failure === undefined ? undefined : { ...this.#head(), failure: `while it filled the store: ${failure}` }
  }

  async run(): Promise<WorkloadRun> {
    const repetition = ++this.#repetition
    let figures: Partial<WorkloadRun> = {}
    const failure = await this.#attempt(async () => {
      figures = this.#workload === 'W6' ? await this.#restore(repetition) : await this.#process(repetition)
    })
    return failure === undefined ? { ...this.#head(), ...figures } : { ...this.#head(), failure }
  }

  async close(): Promise<void> {
    await this.#o.topics.cleanUp(this.#id)
    await rm(join(this.#o.dir, this.#id), { recursive: true, force: true })
  }

  #head() {
    const { name: system } = this.#system
    const { records } = this.#o
    return { piece: 'workload', workload: this.#workload, system, records, repetition: this.#repetition } as const
  }

  get #input(): string {
    return `${this.#id}-in`
  }

  async #process(repetition: number): Promise<Partial<WorkloadRun>> {
    const { topics, records, seed, input = await topics.clicks(records, seed) } = this.#o
    const id = `${this.#id}-${repetition}`
    const figures = await this.#drive(id, input, records, this.#expected(0), String(repetition))
    await topics.cleanUp(id)
    await rm(join(this.#o.dir, id), { recursive: true, force: true })
    const { firstMs, endMs } = figures
    return { ...figures.run, ...rate(records, endMs - firstMs) }
  }

  async #restore(repetition: number): Promise<Partial<WorkloadRun>> {
    const { topics, records } = this.#o
    // The store is gone, the changelog is not; and members of the last start would only cost time.
    await rm(join(this.#o.dir, this.#id), { recursive: true, force: true })
    await topics.evict(this.#id)
    await topics.probes(this.#input, records, repetition)
    const expected = this.#expected(repetition)
    const { run, startedMs, lastMs, endMs } = await this.#drive(
      this.#id,
      this.#input,
      PROBES,
      expected,
      `${repetition}`
    )
    return { ...run, ...rate(records, (lastMs ?? endMs) - startedMs) }
  }

  #expected(round: number): ExpectedOutput {
    return new ExpectedOutput(this.#workload, this.#o.records, this.#o.seed, round)
  }

  async #attempt(run: () => Promise<void>): Promise<string | undefined> {
    try {
      await run()
      return undefined
    } catch (error) {
      if (error instanceof RunFailed) return error.message
      throw error
    }
  }

  /** Starts the worker, waits until it is done or its output complete, stops it and checks its output. */
  async #drive(id: string, input: string, records: number, expected: ExpectedOutput, step: string) {
    const { topics, brokers, dir } = this.#o
    const output = `${id}-out-${step}`
    const stateDir = join(dir, id)
    await mkdir(stateDir, { recursive: true })
    await topics.remake(output, OUTPUT_CONFIGS)
    const table = this.#workload === 'W4' ? await topics.users() : ''
    const { worker } = this.#system
    const env = {
      ...worker.env,
      ...{ BROKERS: brokers, WORKLOAD: this.#workload, APP_ID: id, INPUT: input, OUTPUT: output, TABLE: table },
      ...{ STATE_DIR: stateDir, EXPECTED_RECORDS: String(records) }
    }
    await using reader = new OutputReader(topics.client, output)
    const log = join(dir, `${id}-${step}.log`)
    const [busyBefore, brokerBefore] = [machineBusySeconds(), this.#brokerCpu()]
    const ownBefore = process.cpuUsage()
    const child = new WorkerProcess({ ...worker, env }, log)
    const failure = await this.#wait(child, reader, expected)
    const inTime = await child.stop(STOP_TIMEOUT_MS)
    const own = process.cpuUsage(ownBefore)
    const brokerCpuSeconds = this.#brokerCpu() - brokerBefore
    const busy = machineBusySeconds() - busyBefore
    if (failure !== undefined) throw new RunFailed(`${failure}; its log is ${log}`)
    if (!inTime) throw new RunFailed(`did not end within ${STOP_TIMEOUT_MS / 1000} s of SIGTERM; its log is ${log}`)
    await reader.readTo(expected)
    const fault = expected.fault()
    if (fault !== undefined) throw new RunFailed(`wrong output: ${fault}`)
    const firstMs = child.markMs('FIRST_RECORD')
    if (firstMs === undefined) throw new RunFailed(`never said FIRST_RECORD; its log is ${log}`)
    await rm(log)
    return {
      startedMs: child.startedMs,
      firstMs,
      lastMs: child.markMs('LAST_RECORD'),
      endMs: expected.lastAppendMs,
      run: {
        cpuSeconds: child.cpuSeconds,
        peakRssBytes: child.peakRssBytes,
        startSeconds: (firstMs - child.startedMs) / 1000,
        outputs: expected.records,
        brokerCpuSeconds,
        otherCpuSeconds: Math.max(0, busy - child.cpuSeconds - brokerCpuSeconds - (own.user + own.system) / 1e6)
      }
    }
  }

  /**
   * A system that says LAST_RECORD is stopped at once: what it holds back goes out because it closes, not because a timer runs out.
   * Of another one the output is read until it is complete.
   */
  async #wait(child: WorkerProcess, reader: OutputReader, expected: ExpectedOutput): Promise<string | undefined> {
    const deadline = performance.now() + this.#o.timeoutMs
    let [seen, read] = [0, 0]
    while (performance.now() < deadline) {
      if (child.markMs('LAST_RECORD') !== undefined) return undefined
      if (child.exitCode === UNSUPPORTED) return 'does not do this workload'
      if (child.exitCode !== undefined) return `ended by itself with ${child.exitCode}`
      await child.change(LOOK_MS)
      if (child.markMs('LAST_RECORD') !== undefined) return undefined
      const end = await reader.end()
      // At rest since the last look, and not read at this length yet.
      if (end === seen && end > read) {
        read = end
        await reader.readTo(expected)
        if (expected.fault() === undefined) return undefined
      }
      seen = end
    }
    return `was not done after ${this.#o.timeoutMs / 1000} s`
  }

  #brokerCpu(): number {
    return this.#o.brokerPid === undefined ? 0 : (processStat(this.#o.brokerPid)?.cpuSeconds ?? 0)
  }
}

function rate(records: number, elapsedMs: number): Pick<WorkloadRun, 'seconds' | 'recordsPerSecond'> {
  const seconds = Math.max(1, elapsedMs) / 1000
  return { seconds, recordsPerSecond: records / seconds }
}
