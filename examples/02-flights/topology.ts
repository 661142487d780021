import { hopping, json, StreamsBuilder, string, tumbling, windowedKey } from 'millrace'
import type { Delays } from './delay-table.ts'
import { type Airport, DAY_MS, type Flight, timeSpan } from './flight-data.ts'
import type { FlightTopics } from './flight-topics.ts'
import { MOVING_DAYS, WEEK_DAYS } from './windows.ts'

interface Departure {
  readonly state: string
  readonly delay: number
}

interface Total {
  readonly flights: number
  readonly minutes: number
}

/** By default a changelog forgets windows whose time is long past; all of these are of 2001. */
const KEEP_OLD_TIMES = { 'retention.ms': '-1' }

/**
 * flights ⋈ airports → by state → average delay and count, per week and per moving week.
 *
 * @param graceMs - how long windows stay open, by the time of the flights: the whole file, if its order may not matter.
 */
export function flightsTopology(topics: FlightTopics, graceMs: number) {
  const builder = new StreamsBuilder()
  const airports = builder.table(topics.airports, { key: string(), value: json<Airport>() })
  const departures = builder
    .stream(topics.flights, { key: string(), value: json<Flight>() }) // the key is the airport of origin
    .join(airports, (flight, airport): Departure => ({ state: airport.state, delay: flight.delay }))
    // With a name, both aggregations below read one repartition topic; without, each would get its own.
    .groupBy((_airport, { state }) => state, { name: 'by-state', key: string(), value: json<Departure>() })

  departures
    .windowedBy(tumbling(`${WEEK_DAYS}d`, { grace: graceMs }))
    .aggregate(noFlights, addFlight, { store: 'weekly-delays', value: json<Total>(), changelog: KEEP_OLD_TIMES })
    .mapValues(toDelays)
    .toStream()
    .to(topics.weekly, { key: windowedKey(string()), value: json<Delays>() })

  departures
    .windowedBy(hopping(`${MOVING_DAYS}d`, { advance: '1d', grace: graceMs }))
    .aggregate(noFlights, addFlight, { store: 'moving-delays', value: json<Total>(), changelog: KEEP_OLD_TIMES })
    .mapValues(toDelays)
    .toStream()
    .to(topics.moving, { key: windowedKey(string()), value: json<Delays>() })

  return builder.build()
}

const noFlights = (): Total => ({ flights: 0, minutes: 0 })

const addFlight = (_state: string, { delay }: Departure, { flights, minutes }: Total): Total => ({
  flights: flights + 1,
  minutes: minutes + delay
})

const toDelays = ({ flights, minutes }: Total): Delays => ({
  flights,
  totalDelayMinutes: minutes,
  averageDelayMinutes: minutes / flights
})

/** As long as all flights together: whatever their order, a window is open for each of its flights. */
export function graceOf(flights: readonly Flight[]): number {
  const { firstMs, lastMs } = timeSpan(flights)
  return Math.ceil((lastMs - firstMs) / DAY_MS) * DAY_MS
}
