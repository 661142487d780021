import { expect, test } from 'vitest'
import { DelayTable } from './delay-table.ts'
import { PlainView, windowLines } from './plain-view.ts'

const STARTS = ['2001-01-04', '2001-01-11'].map(day => Date.parse(`${day}T00:00:00Z`)) as [number, number]

test('every line names its window', () => {
  const table = new DelayTable()
  table.set({ state: 'CA', startMs: STARTS[0], flights: 213, totalDelayMinutes: 1534, averageDelayMinutes: 1534 / 213 })
  table.set({ state: 'TX', startMs: STARTS[0], flights: 1100, totalDelayMinutes: -550, averageDelayMinutes: -0.5 })
  table.set({ state: 'CA', startMs: STARTS[1], flights: 1, totalDelayMinutes: 100, averageDelayMinutes: 100 })
  expect(windowLines({ table, windowDays: 7, states: ['CA', 'TX'] })).toEqual([
    '2001-01-04 … 2001-01-10  CA          avg delay    7.2 min     213 flights',
    '2001-01-04 … 2001-01-10  TX          avg delay   -0.5 min   1,100 flights',
    '2001-01-04 … 2001-01-10  all states  avg delay    0.7 min   1,313 flights',
    '2001-01-11 … 2001-01-17  CA          avg delay  100.0 min       1 flights',
    '2001-01-11 … 2001-01-17  all states  avg delay  100.0 min       1 flights'
  ])
})

test('tells when everything is loaded, and nothing before', () => {
  const lines: string[] = []
  const view = new PlainView(line => lines.push(line))
  for (const loaded of [500, 1000, 1500]) view.loading(loaded, 1500)
  expect(lines).toEqual(['Loaded 1,500 flights and the airports. Counting …'])
})
