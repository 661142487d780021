import { expect, test } from 'vitest'
import { DAY_MS, type Flight } from './flight-data.ts'
import { recompute } from './recomputation.ts'

const airports = [
  { iata: 'JFK', name: 'Kennedy', city: 'New York', state: 'NY' },
  { iata: 'LAX', name: 'Los Angeles', city: 'Los Angeles', state: 'CA' }
]
const flight = (date: string, origin: string, delay: number): Flight => ({
  ...{ date, origin, delay, distance: 1, destination: 'LAX' }
})
const at = (day: string): number => Date.parse(`${day}T00:00:00Z`)

test('a flight is in the week that began on a Thursday, and in the seven moving weeks that hold its day', () => {
  const { weekly, moving } = recompute({ airports, flights: [flight('2001/01/03 23:59', 'JFK', 12)] })
  const values = { state: 'NY', flights: 1, totalDelayMinutes: 12, averageDelayMinutes: 12 }
  expect(weekly.rows()).toEqual([{ startMs: at('2000-12-28'), ...values }])
  expect(moving.rows()).toEqual(
    Array.from({ length: 7 }, (_, day) => ({ startMs: at('2000-12-28') + day * DAY_MS, ...values }))
  )
})

test('a week ends before the first instant of the next', () => {
  const flights = [flight('2001/01/03 23:59', 'JFK', 1), flight('2001/01/04 00:00', 'JFK', 2)]
  expect(recompute({ airports, flights }).weekly.windowStartsMs()).toEqual([at('2000-12-28'), at('2001-01-04')])
})

test('averages are those of a state, early flights included', () => {
  const flights = [
    flight('2001/01/05 08:00', 'LAX', -4),
    flight('2001/01/05 09:00', 'LAX', 7),
    flight('2001/01/05 10:00', 'JFK', 1)
  ]
  const { weekly } = recompute({ airports, flights })
  expect(weekly.get(at('2001-01-04'), 'CA')).toMatchObject({
    flights: 2,
    totalDelayMinutes: 3,
    averageDelayMinutes: 1.5
  })
  expect(weekly.ofWindow(at('2001-01-04'))).toEqual({ flights: 3, totalDelayMinutes: 4, averageDelayMinutes: 4 / 3 })
})

test('a flight from an airport that is not in the table counts nowhere, as in an inner join', () => {
  expect(recompute({ airports, flights: [flight('2001/01/05 08:00', 'XXX', 5)] }).weekly.rows()).toEqual([])
})
