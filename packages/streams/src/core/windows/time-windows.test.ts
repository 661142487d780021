import { expect, test } from 'vitest'
import { hopping, type TimeWindows, tumbling, windowStartsMs } from './time-windows.ts'

test('a tumbling window holds its start and not its end', () => {
  const windows = tumbling(10)
  expect([0, 9, 10, 19, 20].map(at => windowStartsMs(windows, at))).toEqual([[0], [0], [10], [10], [20]])
})

test('hopping windows come by ascending start and none starts below 0', () => {
  const windows = hopping(10, { advance: 4 })
  expect(windowStartsMs(windows, 3)).toEqual([0])
  expect(windowStartsMs(windows, 9)).toEqual([0, 4, 8])
  expect(windowStartsMs(windows, 10)).toEqual([4, 8])
  expect(windowStartsMs(windows, 100)).toEqual([92, 96, 100])
})

test('agrees with looking at every window there is', () => {
  for (const windows of [
    tumbling(7),
    hopping(7, { advance: 1 }),
    hopping(7, { advance: 3 }),
    hopping(7, { advance: 7 })
  ]) {
    for (let at = 0; at < 60; at++) expect(windowStartsMs(windows, at)).toEqual(bySearch(windows, at))
  }
})

test('stays exact for times of today', () => {
  const at = Date.UTC(2024, 5, 1, 12, 34, 56, 789)
  expect(windowStartsMs(tumbling('1h'), at)).toEqual([Date.UTC(2024, 5, 1, 12)])
})

test('has no grace unless it is given one', () => {
  expect(tumbling('5m')).toEqual({ kind: 'time', sizeMs: 300_000, advanceMs: 300_000, graceMs: 0 })
  expect(hopping('5m', { advance: '1m', grace: '10s' })).toMatchObject({ advanceMs: 60_000, graceMs: 10_000 })
})

test.each([
  ['a size of 0', () => tumbling(0), /need a size above 0, not 0 ms/],
  ['a negative size', () => tumbling('-5m'), /need a size above 0/],
  ['an advance of 0', () => hopping(10, { advance: 0 }), /need an advance above 0/],
  ['an advance beyond the size', () => hopping(10, { advance: 11 }), /would miss records/],
  ['a negative grace', () => tumbling(10, { grace: -1 }), /negative grace/]
])('refuses %s', (_name, make, message) => {
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ code: 'TOPOLOGY_WINDOW_INVALID' }))
})

test('refuses an option that does not exist', () => {
  expect(() => tumbling(10, { garce: 5 } as never)).toThrow(
    /tumbling\(\) has no option 'garce'. Did you mean 'grace'\?/
  )
})

function bySearch({ sizeMs, advanceMs }: TimeWindows, at: number): number[] {
  const starts: number[] = []
  for (let start = 0; start <= at; start += advanceMs) if (at < start + sizeMs) starts.push(start)
  return starts
}
