import { TopologyTestDriver } from '@millrace/testing'
import { json, string, windowedKey } from 'millrace'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Delays, DelayTable } from './delay-table.ts'
import { differences } from './differences.ts'
import { type Airport, DAY_MS, type Flight, type FlightData, flightTimeMs, readFlightData } from './flight-data.ts'
import { newFlightTopics } from './flight-topics.ts'
import { type Recomputed, recompute } from './recomputation.ts'
import { shuffle } from './shuffle.ts'
import { flightsTopology, graceOf } from './topology.ts'
import { MOVING_DAYS, WEEK_DAYS } from './windows.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

let data: FlightData
let expected: Recomputed

beforeAll(async () => {
  const { flights, airports } = await readFlightData()
  // Every tenth, to be quick; the test on Kafka takes all of them.
  const some = flights.filter((_, index) => index % 10 === 0)
  const origins = new Set(some.map(flight => flight.origin))
  data = { airports: airports.filter(airport => origins.has(airport.iata)), flights: some }
  expected = recompute(data)
})

/** What the topology makes of flights that come in this order. */
async function compute(flights: readonly Flight[], graceMs: number): Promise<Recomputed> {
  const topics = newFlightTopics()
  const driver = await TopologyTestDriver.open(flightsTopology(topics, graceMs), { cacheBytes: 2 ** 24 })
  const airports = driver.inputTopic(topics.airports, { key: string(), value: json<Airport>() })
  for (const airport of data.airports) airports.pipe(airport.iata, airport, 0)
  const input = driver.inputTopic(topics.flights, { key: string(), value: json<Flight>() })
  for (const flight of flights) input.pipe(flight.origin, flight, flightTimeMs(flight))
  await driver.commit()
  const read = (topic: string, days: number): DelayTable => {
    const table = new DelayTable()
    const serdes = { key: windowedKey(string(), { sizeMs: days * DAY_MS }), value: json<Delays>() }
    for (const [key, delays] of driver.outputTopic(topic, serdes).readKeyValues()) {
      if (key !== null && delays !== null) table.set({ state: key.key, startMs: key.startMs, ...delays })
    }
    return table
  }
  const results = { weekly: read(topics.weekly, WEEK_DAYS), moving: read(topics.moving, MOVING_DAYS) }
  await driver.close()
  return results
}

function allDifferences(results: Recomputed): string[] {
  return [
    ...differences(results.weekly, expected.weekly, WEEK_DAYS),
    ...differences(results.moving, expected.moving, MOVING_DAYS)
  ]
}

test('in the order of the file, the result equals the recomputation', async () => {
  expect(allDifferences(await compute(data.flights, graceOf(data.flights)))).toEqual([])
})

describe('in a shuffled order', () => {
  test.each(SEEDS)('number %i, the result is the same', async seed => {
    expect(allDifferences(await compute(shuffle(data.flights, seed), graceOf(data.flights)))).toEqual([])
  })

  test('a grace shorter than the file would lose flights', async () => {
    const results = await compute(shuffle(data.flights, 1), 7 * DAY_MS)
    expect(allDifferences(results).length).toBeGreaterThan(100)
  })
})

test('a week of the tumbling windows is the moving week that begins on the same day', async () => {
  const { weekly, moving } = await compute(data.flights, graceOf(data.flights))
  expect(weekly.rows().map(row => moving.get(row.startMs, row.state))).toEqual(weekly.rows())
})
