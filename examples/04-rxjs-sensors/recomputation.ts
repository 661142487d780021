import { isBroken, sensorReadings } from './readings.ts'

const WINDOW_MS = 300_000

/** The averages by sensor and start of the window, without Kafka and without Millrace. */
export function recomputed(): Map<string, number> {
  const loads = new Map<string, { sumTenths: number; count: number }>()
  let lastMs = 0
  for (const reading of sensorReadings()) {
    lastMs = Math.max(lastMs, reading.timestampMs)
    if (isBroken(reading)) continue
    const name = windowName(reading.sensor, reading.timestampMs - (reading.timestampMs % WINDOW_MS))
    const { sumTenths, count } = loads.get(name) ?? { sumTenths: 0, count: 0 }
    loads.set(name, { sumTenths: sumTenths + Math.round(reading.celsius * 10), count: count + 1 })
  }
  const isClosed = (name: string) => Date.parse(name.split(' ')[1] as string) + WINDOW_MS <= lastMs
  return new Map(
    [...loads]
      .filter(([name]) => isClosed(name))
      .map(([name, { sumTenths, count }]) => [name, Math.round((sumTenths * 10) / count) / 100])
  )
}

export function windowName(sensor: string, startMs: number): string {
  return `${sensor} ${new Date(startMs).toISOString()}`
}
