import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '@millrace/store-level'
import type { ConformanceCase } from './case-format.ts'
import { type CaseRun, describeRun, type RunMatrix, runsOf } from './case-runs.ts'
import { APPLICATION_ID, runCase } from './run-case.ts'

export interface CaseFailure {
  readonly id: string
  /** How it was run. */
  readonly run: string
  readonly differences: readonly string[]
}

export interface AreaCount {
  passed: number
  failed: number
}

export interface CasesReport {
  readonly areas: ReadonlyMap<string, AreaCount>
  readonly failures: readonly CaseFailure[]
  /** Cases that passed in every way in which they were run. */
  readonly passed: number
  readonly failed: number
  readonly runs: number
  /** Cases that went through a restart. */
  readonly restarted: number
}

/** Opening a database waits for the disk most of the time. */
const AT_ONCE = 8

/** Runs every case in every way of the matrix. Failures are told as they are found, not in the order of the cases. */
export async function runCases(
  cases: Iterable<ConformanceCase>,
  matrix: RunMatrix,
  onFailure: (failure: CaseFailure) => void = () => {}
): Promise<CasesReport> {
  const areas = new Map<string, AreaCount>()
  const failures: CaseFailure[] = []
  const totals = { passed: 0, failed: 0, runs: 0, restarted: 0 }
  await using dirs = await StateDirs.make()
  const waiting = cases[Symbol.iterator]()
  const run = async (testCase: ConformanceCase) => {
    const area = areas.get(testCase.area) ?? { passed: 0, failed: 0 }
    areas.set(testCase.area, area)
    const runs = runsOf(testCase, matrix)
    let hasFailed = false
    for (const way of runs) {
      const differences = await dirs.lend(stateDir => differencesOf(testCase, way, stateDir))
      if (differences.length === 0) continue
      hasFailed = true
      const failure = { id: testCase.id, run: describeRun(way), differences }
      failures.push(failure)
      onFailure(failure)
    }
    totals.runs += runs.length
    if (runs.some(({ restart }) => restart !== undefined)) totals.restarted++
    const outcome = hasFailed ? 'failed' : 'passed'
    area[outcome]++
    totals[outcome]++
  }
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await run(next.value)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { areas, failures, ...totals }
}

async function differencesOf(testCase: ConformanceCase, run: CaseRun, stateDir: () => string) {
  try {
    const stores =
      run.stores === 'level'
        ? () => new LevelStoreProvider({ stateDir: stateDir(), applicationId: APPLICATION_ID })
        : undefined
    const verdict = await runCase(testCase, { ...run, stores })
    if (verdict.kind === 'unsupported') return [`needs what there is not: ${verdict.why}`]
    return verdict.kind === 'passed' ? [] : verdict.differences
  } catch (error) {
    return [`the runner itself failed: ${error instanceof Error ? error.stack : String(error)}`]
  }
}

/** A directory of its own for each run. */
class StateDirs {
  readonly #base: string
  #count = 0

  private constructor(base: string) {
    this.#base = base
  }

  static async make(): Promise<StateDirs> {
    return new StateDirs(await mkdtemp(join(tmpdir(), 'millrace-conformance-')))
  }

  async lend<T>(use: (dir: () => string) => Promise<T>): Promise<T> {
    let dir: string | undefined
    try {
      return await use(() => (dir = join(this.#base, String(this.#count++))))
    } finally {
      if (dir !== undefined) await rm(dir, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#base, { recursive: true, force: true })
  }
}
