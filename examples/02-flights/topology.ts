import { hopping, json, StreamsBuilder, string, tumbling, windowedKey } from 'millrace'
import type { Delays } from './delay-table.ts'
import { type Airport, DAY_MS, type Flight } from './flight-data.ts'
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
    .groupBy((_airport, departure) => departure.state, { key: string(), value: json<Departure>() })

  const none = (): Total => ({ flights: 0, minutes: 0 })
  const add = (_state: string, { delay }: Departure, { flights, minutes }: Total): Total => ({
    flights: flights + 1,
    minutes: minutes + delay
  })
  const toDelays = ({ flights, minutes }: Total): Delays => ({
    flights,
    totalDelayMinutes: minutes,
    averageDelayMinutes: minutes / flights
  })
  const output = { key: windowedKey(string()), value: json<Delays>() }

  departures
    .windowedBy(tumbling(WEEK_DAYS * DAY_MS, { grace: graceMs }))
    .aggregate(none, add, { store: 'weekly-delays', value: json<Total>() })
    .toStream()
    .mapValues(toDelays)
    .to(topics.weekly, output)

  departures
    .windowedBy(hopping(MOVING_DAYS * DAY_MS, { advance: DAY_MS, grace: graceMs }))
    .aggregate(none, add, { store: 'moving-delays', value: json<Total>() })
    .toStream()
    .mapValues(toDelays)
    .to(topics.moving, output)

  return builder.build()
}
