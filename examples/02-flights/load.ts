import type { Kafka, Message } from 'kafkajs'
import { DAY_MS, type FlightData, flightTimeMs, timeSpan } from './flight-data.ts'
import type { FlightTopics } from './flight-topics.ts'

const MESSAGES_PER_REQUEST = 500

/**
 * Writes the airports, then the flights, with an ordinary Kafka producer. Airports carry a time before the first flight:
 * then the table has them when the flights arrive, because what is earlier is processed first.
 *
 * @param onProgress - called with the number of flights written so far.
 */
export async function load(
  kafka: Kafka,
  topics: FlightTopics,
  { airports, flights }: FlightData,
  onProgress: (flightCount: number) => void,
  signal: AbortSignal
): Promise<void> {
  // Idempotent: a request that is sent again, as happens on a new topic, must not write its flights twice.
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    const timestamp = String(timeSpan(flights).firstMs - DAY_MS)
    const send = async (topic: string, messages: Message[], onSent: (count: number) => void): Promise<void> => {
      for (let start = 0; start < messages.length; start += MESSAGES_PER_REQUEST) {
        signal.throwIfAborted()
        await producer.send({ topic, messages: messages.slice(start, start + MESSAGES_PER_REQUEST) })
        onSent(Math.min(start + MESSAGES_PER_REQUEST, messages.length))
      }
    }
    const rows = airports.map(airport => ({ key: airport.iata, value: JSON.stringify(airport), timestamp }))
    await send(topics.airports, rows, () => {})
    const departures = flights.map(flight => ({
      key: flight.origin,
      value: JSON.stringify(flight),
      timestamp: String(flightTimeMs(flight))
    }))
    await send(topics.flights, departures, onProgress)
  } finally {
    await producer.disconnect()
  }
}
