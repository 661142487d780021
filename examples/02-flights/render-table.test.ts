import { stripVTControlCharacters, styleText } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { DelayTable } from './delay-table.ts'
import { DAY_MS, readFlightData } from './flight-data.ts'
import { recompute } from './recomputation.ts'
import { renderTable, type TableFrame } from './render-table.ts'

const FIRST_MS = Date.UTC(2000, 11, 28)
const weekStartsMs = Array.from({ length: 14 }, (_, week) => FIRST_MS + week * 7 * DAY_MS)
const states = ['TX', 'CA', 'IL', 'FL', 'GA', 'AZ', 'NY', 'OH', 'PA', 'MI', 'VA', 'WA', 'MN', 'NC', 'MO']
const frame = (changes: Partial<TableFrame>): TableFrame => ({
  ...{ weekly: undefined, loaded: 0, total: 0, states, weekStartsMs, columns: 80, rows: 24 },
  paint: (_style, text) => text,
  ...changes
})

let full: DelayTable

beforeAll(async () => {
  full = recompute(await readFlightData()).weekly
})

describe.each([60, 80, 120, 200])('with %i columns', columns => {
  test('no line is as wide as the terminal, and the picture and the summary fit its height', () => {
    const colours = (style: Parameters<TableFrame['paint']>[0], text: string) =>
      styleText(style, text, { validateStream: false })
    const lines = renderTable(frame({ weekly: full, total: 20_000, columns, paint: colours }))
    expect(Math.max(...lines.map(line => stripVTControlCharacters(line).length))).toBeLessThan(columns)
    expect(lines.length).toBeLessThanOrEqual(24 - 6)
  })
})

test('shows a progress bar while loading', () => {
  const lines = renderTable(frame({ loaded: 5000, total: 20_000 }))
  expect(lines.at(-1)).toBe(`Loading  ${'━'.repeat(10)}${'─'.repeat(30)} 5,000 of 20,000 flights`)
})

test('shows each average under the first day of its week, and dots where there is none yet', () => {
  const weekly = new DelayTable()
  weekly.set({
    state: 'CA',
    startMs: FIRST_MS + 7 * DAY_MS,
    flights: 4,
    totalDelayMinutes: 50,
    averageDelayMinutes: 12.5
  })
  const lines = renderTable(frame({ weekly, total: 20_000 }))
  expect(lines[3]).toMatch(/^week of {3}Dec {2}Jan {17}Feb/)
  expect(lines[4]).toMatch(/^\(UTC\) {6}28 {4}4 {3}11/)
  expect(lines.find(line => line.startsWith('CA'))).toMatch(/^CA {10}· 12\.5 {4}·/)
  expect(lines.at(-1)).toContain('4 of 20,000 flights')
})

test('colours early averages green, long ones yellow and red', () => {
  const weekly = new DelayTable()
  for (const [week, minutes] of [-3, 5, 15, 30].entries()) {
    const startMs = FIRST_MS + week * 7 * DAY_MS
    weekly.set({ state: 'CA', startMs, flights: 1, totalDelayMinutes: minutes, averageDelayMinutes: minutes })
  }
  const tagged: TableFrame['paint'] = (style, text) => (style === 'dim' ? text : `<${style}>${text}`)
  const line = renderTable(frame({ weekly, total: 4, paint: tagged })).find(text => text.startsWith('CA'))
  expect(line).toMatch(/^CA +<green> -3\.0 {2}5\.0<yellow> 15\.0<red> 30\.0 +·/)
})

test('keeps a gap between cells: rounds long averages, drops the separator of thousands', () => {
  const weekly = new DelayTable()
  const long = { state: 'CA', flights: 1542, totalDelayMinutes: -21_588, averageDelayMinutes: -14.26 }
  for (const startMs of weekStartsMs) weekly.set({ startMs, ...long })
  const cells = (columns: number, label: string) =>
    renderTable(frame({ weekly, columns }))
      .find(line => line.startsWith(label))
      ?.split(/\s+/)
      .slice(1)
  expect(cells(80, 'CA')).toEqual(weekStartsMs.map(() => '-14'))
  expect(cells(80, 'flights')).toEqual(weekStartsMs.map(() => '1542'))
  expect(cells(120, 'CA')).toEqual(weekStartsMs.map(() => '-14.3'))
  expect(cells(120, 'flights')).toEqual(weekStartsMs.map(() => '1,542'))
})

test('leaves out the states with the fewest flights where the terminal is short', () => {
  const stateLines = (rows: number) => renderTable(frame({ rows })).filter(line => /^[A-Z]{2} /.test(line)).length
  expect([stateLines(18), stateLines(24), stateLines(100)]).toEqual([5, 8, 15])
})
