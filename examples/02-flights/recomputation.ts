import { DelayTable } from './delay-table.ts'
import { DAY_MS, type FlightData, flightTimeMs } from './flight-data.ts'
import { MOVING_DAYS, WEEK_DAYS } from './windows.ts'

export interface Recomputed {
  readonly weekly: DelayTable
  readonly moving: DelayTable
}

/**
 * The same results by plain loops over the files: no Kafka, no framework, and the windows found the other way round, from
 * whole days since 1970 rather than from the arithmetic of windows.
 */
export function recompute({ flights, airports }: FlightData): Recomputed {
  const stateOf = new Map(airports.map(airport => [airport.iata, airport.state]))
  const weekly = new Totals()
  const moving = new Totals()
  for (const flight of flights) {
    const state = stateOf.get(flight.origin)
    if (state === undefined) continue // an inner join has nothing for it
    const day = Math.floor(flightTimeMs(flight) / DAY_MS)
    for (let back = 0; back < WEEK_DAYS; back++) {
      if ((day - back) % WEEK_DAYS === 0) weekly.add(day - back, state, flight.delay)
    }
    for (let back = 0; back < MOVING_DAYS; back++) moving.add(day - back, state, flight.delay)
  }
  return { weekly: weekly.table(), moving: moving.table() }
}

class Totals {
  readonly #byStateAndDay = new Map<string, { state: string; day: number; flights: number; minutes: number }>()

  add(day: number, state: string, minutes: number): void {
    const id = `${day} ${state}`
    const total = this.#byStateAndDay.get(id) ?? { state, day, flights: 0, minutes: 0 }
    total.flights += 1
    total.minutes += minutes
    this.#byStateAndDay.set(id, total)
  }

  table(): DelayTable {
    const table = new DelayTable()
    for (const { state, day, flights, minutes } of this.#byStateAndDay.values()) {
      const averageDelayMinutes = minutes / flights
      table.set({ state, startMs: day * DAY_MS, flights, totalDelayMinutes: minutes, averageDelayMinutes })
    }
    return table
  }
}
