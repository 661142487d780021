import type { CoreScenario } from './core-scenarios.ts'

export interface CoreRow {
  readonly scenario: CoreScenario
  readonly outputsPerRecord: number
  readonly checksum: number
  /** Medians per record, by variant: `ours-level`, `ours-memory`, `java-level` (RocksDB), `java-memory`. */
  readonly nanos: Readonly<Record<string, number>>
  readonly cpuNanos: Readonly<Record<string, number>>
}

const VARIANTS = [
  ['ours-level', 'ours, LevelDB'],
  ['ours-memory', 'ours, memory'],
  ['java-level', 'Java, RocksDB'],
  ['java-memory', 'Java, memory']
] as const

/** Thousands of records a second, with CPU time per record in brackets; then how many times as fast as Java. */
export function coreTable(rows: readonly CoreRow[]): string {
  const variants = VARIANTS.filter(([name]) => rows.some(row => row.nanos[name] !== undefined))
  const hasJava = variants.length > 2
  return aligned([
    ['1000 records/s (CPU µs a record)', ...variants.map(([, title]) => title), ...(hasJava ? ['disk', 'memory'] : [])],
    ...rows.map(row => [
      row.scenario.name,
      ...variants.map(([name]) => cell(row, name)),
      ...(hasJava ? [timesAsFast(row, 'level'), timesAsFast(row, 'memory')] : [])
    ])
  ])
}

/** Columns as wide as their widest cell; the first to the left. */
export function aligned(table: readonly (readonly string[])[]): string {
  const widths = (table[0] as readonly string[]).map((_, i) =>
    Math.max(...table.map(cells => (cells[i] as string).length))
  )
  return table
    .map(cells =>
      cells.map((text, i) => (i === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[i] as number)))
    )
    .map(cells => cells.join('  '))
    .join('\n')
}

/** What ten times as many keys or matches cost, for the scenarios that were measured beside what they widen. */
export function scalingLines(rows: readonly CoreRow[]): string[] {
  return rows.flatMap(row => {
    const { widens, compares } = row.scenario
    const base = rows.find(({ scenario }) => scenario.name === widens)
    if (base === undefined) return []
    const cost = (of: CoreRow, by: 'nanos' | 'cpuNanos', name: string): number =>
      (of[by][name] as number) / (compares === 'result' ? of.outputsPerRecord : 1)
    const ratio = (by: 'nanos' | 'cpuNanos', name: string) => (cost(row, by, name) / cost(base, by, name)).toFixed(2)
    const ratios = VARIANTS.filter(([name]) => row.nanos[name] !== undefined).map(
      ([name, title]) => `${title} ${ratio('nanos', name)} (CPU ${ratio('cpuNanos', name)})`
    )
    return [`${row.scenario.name}: cost a ${compares} ÷ that of ${widens}: ${ratios.join('; ')}`]
  })
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >>> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

function cell(row: CoreRow, name: string): string {
  return `${Math.round(1e6 / (row.nanos[name] as number))} (${((row.cpuNanos[name] as number) / 1000).toFixed(1)})`
}

function timesAsFast(row: CoreRow, store: string): string {
  return `${((row.nanos[`java-${store}`] as number) / (row.nanos[`ours-${store}`] as number)).toFixed(1)} ×`
}
