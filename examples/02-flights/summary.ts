import type { DelayTable } from './delay-table.ts'
import { differences } from './differences.ts'
import { type FlightData, timeSpan } from './flight-data.ts'
import { count } from './plain-view.ts'
import type { Recomputed } from './recomputation.ts'
import { dayOf, MOVING_DAYS, WEEK_DAYS } from './windows.ts'

const SHOWN_DIFFERENCES = 10

export interface Summary {
  readonly lines: readonly string[]
  /** Whether everything equals the recomputation. */
  readonly holds: boolean
}

/** What came out, and whether it is right. */
export function summarize(data: FlightData, results: Recomputed, expected: Recomputed): Summary {
  const { firstMs, lastMs } = timeSpan(data.flights)
  const weekly = differences(results.weekly, expected.weekly, WEEK_DAYS)
  const moving = differences(results.moving, expected.moving, MOVING_DAYS)
  const found = [...weekly, ...moving]
  const origins = new Set(data.flights.map(flight => flight.origin)).size
  const states = new Set(results.weekly.rows().map(row => row.state)).size
  return {
    holds: found.length === 0,
    lines: [
      `${count(data.flights.length)} flights from ${origins} airports in ${states} states, ${dayOf(firstMs)} to ${dayOf(lastMs)} (UTC)`,
      tableLine('tumbling windows, 7 days             ', results.weekly, weekly),
      tableLine('hopping windows, 7 days, one each day', results.moving, moving),
      ...found.slice(0, SHOWN_DIFFERENCES).map(difference => `  ${difference}`),
      ...(found.length > SHOWN_DIFFERENCES ? [`  … and ${count(found.length - SHOWN_DIFFERENCES)} more`] : []),
      found.length === 0
        ? 'OK: every count and average equals a plain recomputation of the same files.'
        : `WRONG: ${found.length === 1 ? '1 result differs' : `${count(found.length)} results differ`} from a plain recomputation of the same files.`
    ]
  }
}

function tableLine(name: string, table: DelayTable, found: readonly string[]): string {
  const windows = `${count(table.windowStartsMs().length).padStart(3)} windows`
  const rows = `${count(table.rows().length).padStart(5)} results`
  return `${name}  ${windows}  ${rows}  ${found.length === 0 ? 'all equal' : `${count(found.length)} differ`}`
}
