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

export interface UnlimitedOptions {
  /** Milliseconds since the epoch. Default 0. */
  readonly startMs?: number
}

/**
 * One window without an end. Its keys have an `endMs` of `Number.MAX_SAFE_INTEGER`.
 *
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
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
