import type { DelayRow, DelayTable } from './delay-table.ts'
import { windowName } from './windows.ts'

/** One line for each row in which the two tables differ; none when they are equal. */
export function differences(topic: DelayTable, recomputed: DelayTable, windowDays: number): string[] {
  const lines: string[] = []
  const differ = (row: DelayRow, text: string) =>
    lines.push(`${windowName(row.startMs, windowDays)}  ${row.state}: ${text}`)
  for (const expected of recomputed.rows()) {
    const row = topic.get(expected.startMs, expected.state)
    if (row === undefined) differ(expected, `missing in the topic; recomputed ${describe(expected)}`)
    else if (!equal(row, expected)) differ(row, `${describe(row)} in the topic; recomputed ${describe(expected)}`)
  }
  for (const row of topic.rows()) {
    const expected = recomputed.get(row.startMs, row.state)
    if (expected === undefined) differ(row, `${describe(row)} in the topic; not in the recomputation`)
  }
  return lines
}

function equal(a: DelayRow, b: DelayRow): boolean {
  return (
    a.flights === b.flights &&
    a.totalDelayMinutes === b.totalDelayMinutes &&
    a.averageDelayMinutes === b.averageDelayMinutes
  )
}

const describe = (row: DelayRow): string => `${row.flights} flights, ${row.totalDelayMinutes} minutes of delay`
