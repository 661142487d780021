import { aligned } from '../core/core-table.ts'
import { benchRows, type TableRow } from './bench-rows.ts'
import type { BenchResults } from './results.ts'
import { SYSTEM_NAMES, titleOf } from './systems.ts'

/** Systems that have columns of their own; without a cache they stand in the column of the same program. */
const COLUMNS = SYSTEM_NAMES.filter(name => name !== 'ours-nc' && name !== 'java1nc')

/** All figures beside their bars, and below what did not work. */
export function benchTable({ machine, runs }: BenchResults): string {
  const rows = benchRows(runs)
  const shown = COLUMNS.filter(name => rows.some(({ values }) => values[name] !== undefined))
  const widest = Math.max(...rows.map(({ title }) => title.length))
  const head = ['', ...shown.map(titleOf), 'ratio', 'bar', 'aim']
  let before = ''
  const lines = rows.map(row => {
    const title = row.title === before ? '' : row.title
    before = row.title
    return [
      `${title.padEnd(widest)}  ${row.measure}`,
      ...shown.map(name => number(row.values[name], row.digits)),
      ...judged(row)
    ]
  })
  const judgements = rows.filter(row => row.bar !== undefined && judgedValue(row) !== undefined)
  const met = judgements.filter(row => holds(judgedValue(row) as number, row.bar as string))
  const failures = runs.flatMap(run => {
    if (!('failure' in run) || run.failure === undefined) return []
    const { piece, failure, ...rest } = run
    return [`${piece} ${Object.values(rest).join(' ')}: ${failure}`]
  })
  return [
    Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    '',
    aligned([head, ...lines]),
    '',
    `${met.length} of ${judgements.length} bars are met.`,
    ...failures.map(failure => `FAILED: ${failure}`)
  ].join('\n')
}

function judged(row: TableRow): string[] {
  const ratio = row.ratio === undefined ? '' : number(row.ratio, 2)
  const value = judgedValue(row)
  const beside = (bound: string | undefined): string =>
    bound === undefined ? '' : value === undefined ? bound : `${bound} ${holds(value, bound) ? '✓' : '✗'}`
  return [ratio, beside(row.bar), beside(row.aim)]
}

/** What bar and aim are about. */
function judgedValue(row: TableRow): number | undefined {
  return row.judges === 'ratio' ? row.ratio : row.values.ours
}

function holds(value: number, bound: string): boolean {
  const [sign, limit] = bound.split(' ') as [string, string]
  return sign === '≥' ? value >= Number(limit) : value <= Number(limit)
}

function number(value: number | undefined, digits: number): string {
  if (value === undefined) return ''
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
