import { median } from '../core/core-table.ts'
import type { BenchRun, GrowthRun, JsonRun, LatencyRun, TasksRun, WorkloadRun } from './results.ts'
import type { SystemName } from './systems.ts'
import { TASKS_CONSTANT_BYTES } from './tasks-bound.ts'

/** A measure, of each system that has it, beside what it should be. */
export interface TableRow {
  readonly title: string
  readonly measure: string
  readonly values: Readonly<Partial<Record<SystemName, number>>>
  readonly digits: number
  readonly ratio?: number | undefined
  /** `≥ 2` or `≤ 0.4`. */
  readonly bar?: string
  readonly aim?: string
  /** What bar and aim are about. */
  readonly judges: 'ratio' | 'ours'
}

const MB = 1e6
/** A column's system, and the one that stands in it where there is no record cache. */
const WITHOUT_CACHE: Readonly<Partial<Record<SystemName, SystemName>>> = { 'ours-nc': 'ours', java1nc: 'java1' }

export function benchRows(runs: readonly BenchRun[]): TableRow[] {
  const of = <T extends BenchRun>(piece: T['piece']): T[] => runs.filter((run): run is T => run.piece === piece)
  return [
    ...grouped(of<WorkloadRun>('workload'), workloadTitle).flatMap(([title, group]) => workloadRows(title, group)),
    ...latencyRows(of<LatencyRun>('latency')),
    ...growthRows(of<GrowthRun>('growth')),
    ...grouped(of<JsonRun>('json'), run => `${run.workload}, JSON`).flatMap(([title, group]) => jsonRows(title, group)),
    ...of<TasksRun>('tasks').flatMap(tasksRows)
  ]
}

function workloadTitle({ workload, system, records }: WorkloadRun): string {
  const size = records === 1e6 ? '' : `, ${records.toLocaleString('en')} records`
  return `${workload}${system in WITHOUT_CACHE ? ', no cache' : ''}${size}`
}

function workloadRows(title: string, runs: readonly WorkloadRun[]): TableRow[] {
  const medians = (of: (run: WorkloadRun) => number | undefined) => mediansBySystem(runs, of)
  const against = (
    measure: string,
    digits: number,
    values: TableRow['values'],
    bar: string,
    aim: string
  ): TableRow => ({
    ...{ title, measure, digits, values, bar, aim, judges: 'ratio' },
    ratio: ratioOf(values)
  })
  const rates = medians(run => run.recordsPerSecond)
  const isRestore = runs[0]?.workload === 'W6'
  return [
    isRestore ? against('entries/s', 0, rates, '≥ 1.5', '≥ 3') : against('records/s', 0, rates, '≥ 2', '≥ 4'),
    against(
      'CPU seconds',
      1,
      medians(run => run.cpuSeconds),
      '≤ 0.4',
      '≤ 0.2'
    ),
    {
      ...{ title, measure: 'peak RSS, MB', digits: 0, bar: '≤ 250', aim: '≤ 150', judges: 'ours' },
      values: medians(run => (run.peakRssBytes === undefined ? undefined : run.peakRssBytes / MB))
    },
    // Of a restore the start is what is measured anyway.
    ...(isRestore
      ? []
      : [
          against(
            'start → first record, s',
            2,
            medians(run => run.startSeconds),
            '≤ 0.5',
            '≤ 0.2'
          )
        ])
  ]
}

function latencyRows(runs: readonly LatencyRun[]): TableRow[] {
  if (runs.length === 0) return []
  const title = `latency, W1 at ${(runs[0] as LatencyRun).recordsPerSecond.toLocaleString('en')}/s`
  const row = (measure: string, values: TableRow['values']): TableRow => ({
    ...{ title, measure, digits: 1, values, ratio: ratioOf(values), judges: 'ratio' }
  })
  return [
    row(
      'p50, ms',
      mediansBySystem(runs, run => run.p50Ms)
    ),
    {
      ...row(
        'p99, ms',
        mediansBySystem(runs, run => run.p99Ms)
      ),
      bar: '≤ 1',
      aim: '≤ 0.5'
    }
  ]
}

/** Each number of keys beside the smallest. */
function growthRows(runs: readonly GrowthRun[]): TableRow[] {
  return grouped(runs, run => `growing state, ${run.drawn}`).flatMap(([title, group]) => {
    const sizes = [...group].sort((a, b) => a.keys - b.keys)
    const base = sizes[0] as GrowthRun
    return sizes.map((run, index) => ({
      ...{
        title,
        measure: `${run.keys.toLocaleString('en')} keys, CPU µs a record`,
        digits: 2,
        judges: 'ratio' as const
      },
      values: { ours: run.cpuMicros },
      ...(index === 0 ? {} : { ratio: run.cpuMicros / base.cpuMicros }),
      ...(index === sizes.length - 1 && index > 0 ? { bar: run.drawn === 'uniform' ? '≤ 4' : '≤ 2', aim: '≤ 1.2' } : {})
    }))
  })
}

/** Each shape beside the input as it is. */
function jsonRows(title: string, runs: readonly JsonRun[]): TableRow[] {
  const shapes = grouped(runs, run => run.shape).map(([shape, group]) => ({
    shape,
    seconds: medianOf(group.map(run => run.cpuSeconds))
  }))
  const base = shapes[0]?.seconds
  return shapes.map(({ shape, seconds }, index) => ({
    ...{ title, measure: `${shape}, CPU seconds`, digits: 2, judges: 'ratio' as const },
    values: seconds === undefined ? {} : { ours: seconds },
    ...(index === 0 || seconds === undefined || base === undefined ? {} : { ratio: seconds / base, bar: '≤ 1.1' })
  }))
}

function tasksRows(run: TasksRun): TableRow[] {
  const { tasks, stateMemoryBytes, stateBytes = 0, peakRssBytes, peakOwnBytes } = run
  const bound = Math.floor((stateMemoryBytes + TASKS_CONSTANT_BYTES) / MB)
  const memory = `stateMemoryBytes ${stateMemoryBytes / 2 ** 20} MiB`
  const title = `${tasks} tasks, ${(stateBytes / MB).toFixed(0)} MB on disk, ${memory}`
  return [
    {
      ...{ title, measure: 'peak RSS, MB', digits: 0, judges: 'ours' },
      values: peakRssBytes === undefined ? {} : { ours: peakRssBytes / MB }
    },
    {
      ...{ title, measure: 'without mapped files, MB', digits: 0, bar: `≤ ${bound}`, judges: 'ours' },
      values: peakOwnBytes === undefined ? {} : { ours: peakOwnBytes / MB }
    }
  ]
}

function ratioOf({ ours, java1 }: TableRow['values']): number | undefined {
  return ours === undefined || java1 === undefined ? undefined : ours / java1
}

function mediansBySystem<T extends { readonly system: SystemName }>(
  runs: readonly T[],
  of: (run: T) => number | undefined
): Partial<Record<SystemName, number>> {
  const entries = grouped(runs, ({ system }) => WITHOUT_CACHE[system] ?? system).flatMap(([system, group]) => {
    const value = medianOf(group.map(of))
    return value === undefined ? [] : [[system, value] as const]
  })
  return Object.fromEntries(entries)
}

/** Of those that there are. */
function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const numbers = values.filter(value => value !== undefined)
  return numbers.length === 0 ? undefined : median(numbers)
}

function grouped<T, K extends string>(items: readonly T[], keyOf: (item: T) => K): [K, T[]][] {
  return [...Map.groupBy(items, keyOf)]
}
