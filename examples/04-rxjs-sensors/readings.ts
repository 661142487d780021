export interface Reading {
  readonly sensor: string
  readonly celsius: number
  readonly timestampMs: number
}

export const SENSORS = ['attic', 'cellar', 'kitchen', 'porch'] as const

const START_MS = Date.UTC(2025, 6, 1, 12)
const INTERVAL_MS = 15_000
const ROUNDS = 360
/** One reading in so many is a sensor's way of saying that it has none. */
const BROKEN_EVERY = 53
const BROKEN_CELSIUS = -999

/**
 * An hour and a half of four sensors, one reading each every 15 seconds; the kitchen gets hot in between. Always the same, so that
 * the results can be checked. In tenths of a degree, which add up exactly.
 */
export function* sensorReadings(): Generator<Reading> {
  let count = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, sensor] of SENSORS.entries()) {
      const timestampMs = START_MS + round * INTERVAL_MS
      const isCooking = sensor === 'kitchen' && round >= 120 && round < 200
      const tenths = 180 + index * 15 + ((round * 7 + index * 11) % 30) + (isCooking ? 120 : 0)
      const isBroken = ++count % BROKEN_EVERY === 0
      yield { sensor, celsius: isBroken ? BROKEN_CELSIUS : tenths / 10, timestampMs }
    }
  }
}

export function isBroken({ celsius }: Pick<Reading, 'celsius'>): boolean {
  return celsius === BROKEN_CELSIUS
}
