import { StreamsError } from './errors.ts'

/** A length of time: milliseconds, or a number with a unit: `'250ms'`, `'10s'`, `'5m'`, `'1.5h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const FORM = /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * A duration in whole milliseconds; negative ones are given back as they are, for the caller to judge.
 *
 * @param what - names the option in the error.
 * @throws StreamsError `DURATION_INVALID`
 */
export function durationMs(duration: Duration, what: string): number {
  const ms = typeof duration === 'number' ? duration : parse(duration)
  if (!Number.isSafeInteger(ms)) {
    throw new StreamsError(
      'DURATION_INVALID',
      `${what} is ${typeof duration === 'string' ? JSON.stringify(duration) : String(duration)}. Give whole milliseconds, or a number with a unit: '250ms', '10s', '5m', '1h', '7d'.`,
      { details: { what, duration } }
    )
  }
  return ms
}

function parse(text: unknown): number {
  const match = typeof text === 'string' ? FORM.exec(text) : null
  if (match === null) return Number.NaN
  const ms = Number(match[1]) * (UNIT_MS[match[2] as string] as number)
  // '1.1s' is 1100 ms although 1.1 * 1000 is not; '0.3ms' stays a fraction and is refused.
  const rounded = Math.round(ms)
  return Math.abs(ms - rounded) < 1e-6 ? rounded : ms
}
