import { beforeAll, expect, test } from 'vitest'
import { DelayTable } from './delay-table.ts'
import { type FlightData, readFlightData } from './flight-data.ts'
import { type Recomputed, recompute } from './recomputation.ts'
import { summarize } from './summary.ts'

let data: FlightData
let expected: Recomputed

beforeAll(async () => {
  data = await readFlightData()
  expected = recompute(data)
})

/** The expected weeks, with changes. */
function weeksBut(change: (row: ReturnType<DelayTable['rows']>[number]) => object | undefined): DelayTable {
  const table = new DelayTable()
  for (const row of expected.weekly.rows()) {
    const changes = change(row)
    if (changes !== undefined) table.set({ ...row, ...changes })
  }
  return table
}

const text = (results: Recomputed): string => summarize(data, results, expected).lines.join('\n')

test('holds when all is equal', () => {
  expect(summarize(data, recompute(data), expected)).toEqual({
    holds: true,
    lines: [
      '20,000 flights from 220 airports in 51 states, 2001-01-01 to 2001-03-31 (UTC)',
      'tumbling windows, 7 days                14 windows    665 results  all equal',
      'hopping windows, 7 days, one each day   96 windows  4,587 results  all equal',
      'OK: every count and average equals a plain recomputation of the same files.'
    ]
  })
})

const START_MS = Date.UTC(2001, 0, 4)

test('does not hold when one count is one too high, and says where', () => {
  const weekly = weeksBut(row => (row.startMs === START_MS && row.state === 'CA' ? { flights: row.flights + 1 } : {}))
  expect(summarize(data, { ...expected, weekly }, expected).holds).toBe(false)
  expect(text({ ...expected, weekly })).toMatch(
    /2001-01-04 … 2001-01-10 {2}CA: (\d+) flights, \d+ minutes of delay in the topic; recomputed \d+ flights/
  )
  expect(text({ ...expected, weekly })).toMatch(/665 results {2}1 differ[\s\S]*WRONG: 1 result differs/)
})

test('does not hold when a result is missing, or only its average is wrong', () => {
  const without = weeksBut(row => (row.startMs === START_MS && row.state === 'NY' ? undefined : {}))
  expect(text({ ...expected, weekly: without })).toContain('2001-01-04 … 2001-01-10  NY: missing in the topic')
  const wrong = weeksBut(row => (row.state === 'NY' ? { averageDelayMinutes: row.averageDelayMinutes + 1e-9 } : {}))
  expect(summarize(data, { ...expected, weekly: wrong }, expected).holds).toBe(false)
})

test('does not hold when the topic has a result that should not be', () => {
  const moving = new DelayTable()
  for (const row of expected.moving.rows()) moving.set(row)
  moving.set({ state: 'ZZ', startMs: START_MS, flights: 1, totalDelayMinutes: 0, averageDelayMinutes: 0 })
  expect(text({ ...expected, moving })).toContain('ZZ: 1 flights, 0 minutes of delay in the topic; not in the recomp')
})

test('names ten differences and counts the others', () => {
  const lines = summarize(data, { ...expected, weekly: new DelayTable() }, expected).lines
  expect(lines.filter(line => line.includes('missing in the topic'))).toHaveLength(10)
  expect(lines.at(-2)).toBe('  … and 655 more')
})
