import { checkOptions } from '../check-options.ts'
import { StreamsError } from '../errors.ts'

/** The end of a window that never ends, as Java has its largest long there. */
export const UNLIMITED_END_MS = Number.MAX_SAFE_INTEGER

/**
 * One window that holds all records from its start on and never closes. Earlier records are in no window.
 *
 * @see Kafka Streams `UnlimitedWindows`
 */
export interface UnlimitedWindows {
  readonly kind: 'unlimited'
  readonly startMs: number
}

/** Of the window that never ends. */
export interface UnlimitedOptions {
  /** Milliseconds since the epoch. Default 0. */
  readonly startMs?: number
}

/**
 * One window without an end, which holds all records from its start on; earlier ones are in no window. Its keys have an
 * `endMs` of `Number.MAX_SAFE_INTEGER`.
 *
 * @param options - `startMs`: milliseconds since the epoch; default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `UnlimitedWindows#of`, `#startOn`
 * @example
 * ```ts
 * builder
 *   .stream('clicks', { key: string(), value: string() })
 *   .groupByKey()
 *   .windowedBy(unlimited({ startMs: 60_000 }))
 *   .count()
 *   .toStream(({ key }) => key)
 *   .to('since-start', { key: string() })
 * ```
 * ```text
 * clicks alice:/home@59s →
 * clicks alice:/home@60s → since-start alice:1@1m
 * ```
 */
export function unlimited(options: UnlimitedOptions = {}): UnlimitedWindows {
  checkOptions('unlimited()', options, ['startMs'])
  const { startMs = 0 } = options
  if (!(Number.isSafeInteger(startMs) && startMs >= 0 && startMs < UNLIMITED_END_MS)) {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `unlimited windows start at whole milliseconds since the epoch, not at ${String(startMs)}.`
    )
  }
  return { kind: 'unlimited', startMs }
}
