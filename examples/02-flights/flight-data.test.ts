import { beforeAll, expect, test } from 'vitest'
import { type FlightData, flightTimeMs, readFlightData, timeSpan } from './flight-data.ts'

let data: FlightData

beforeAll(async () => {
  data = await readFlightData()
})

test('the files hold 20,000 flights of early 2001 and the airports that all of them start from', () => {
  expect(data.flights).toHaveLength(20_000)
  expect(data.airports).toHaveLength(3376)
  const airports = new Set(data.airports.map(airport => airport.iata))
  expect(data.flights.filter(flight => !airports.has(flight.origin))).toEqual([])
})

test('an airport whose name has a comma keeps its state', () => {
  const name = 'Baton Rouge Metropolitan, Ryan'
  expect(data.airports.find(airport => airport.iata === 'BTR')).toEqual({
    ...{ iata: 'BTR', name, city: 'Baton Rouge', state: 'LA' }
  })
  expect(data.airports.filter(({ state }) => !/^[A-Z]{2}$/.test(state))).toEqual([])
})

test('dates are UTC, wherever the program runs', () => {
  const { firstMs, lastMs } = timeSpan(data.flights)
  expect(new Date(firstMs).toISOString()).toBe('2001-01-01T00:47:00.000Z')
  expect(new Date(lastMs).toISOString()).toBe('2001-03-31T22:27:00.000Z')
})

test('a date in another form is refused', () => {
  const flight = { date: '2001-01-01T00:47', delay: 0, distance: 0, origin: 'A', destination: 'B' }
  expect(() => flightTimeMs(flight)).toThrow("the date '2001-01-01T00:47'")
})
