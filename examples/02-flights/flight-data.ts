import { readFile } from 'node:fs/promises'
import { parseCsv } from './csv.ts'

/** A line of `flights-20k.json`. */
export interface Flight {
  /** Like `2001/01/31 17:05`. The file names no time zone; this example reads all dates as UTC. */
  readonly date: string
  /** Minutes; negative is early. */
  readonly delay: number
  /** Miles. */
  readonly distance: number
  /** IATA codes of airports. */
  readonly origin: string
  readonly destination: string
}

/** A line of `airports.csv`. */
export interface Airport {
  readonly iata: string
  readonly name: string
  readonly city: string
  readonly state: string
}

export interface FlightData {
  readonly flights: readonly Flight[]
  readonly airports: readonly Airport[]
}

export const DAY_MS = 86_400_000

/** Real records of US flights of early 2001, and all US airports, from the npm package vega-datasets. */
export async function readFlightData(): Promise<FlightData> {
  const folder = new URL('../data/', import.meta.resolve('vega-datasets'))
  const [flights, airports] = await Promise.all(
    ['flights-20k.json', 'airports.csv'].map(file => readFile(new URL(file, folder), 'utf8'))
  )
  return {
    flights: JSON.parse(flights as string) as Flight[],
    airports: parseCsv(airports as string).map(row => ({
      iata: row.iata as string,
      name: row.name as string,
      city: row.city as string,
      state: row.state as string
    }))
  }
}

export function flightTimeMs({ date }: Flight): number {
  const match = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2})$/.exec(date)
  if (match === null) throw new Error(`A flight has the date '${date}', which is not like 2001/01/31 17:05.`)
  const [year, month, day, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number]
  return Date.UTC(year, month - 1, day, hour, minute)
}

/** First and last time of a flight. */
export function timeSpan(flights: readonly Flight[]): { readonly firstMs: number; readonly lastMs: number } {
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  for (const flight of flights) {
    const timeMs = flightTimeMs(flight)
    firstMs = Math.min(firstMs, timeMs)
    lastMs = Math.max(lastMs, timeMs)
  }
  return { firstMs, lastMs }
}
