import { checkOptions, type Duration, durationMs, StreamsError } from '../core/index.ts'

export interface BufferOptions {
  /** How many keys may be held back. Default: any number. */
  readonly maxRecords?: number | undefined
  /** How many bytes of keys, values and headers may be held back. Default: any number. */
  readonly maxBytes?: number | undefined
}

export interface TimeLimitOptions extends BufferOptions {
  /**
   * What happens beyond `maxRecords` or `maxBytes`: the oldest updates are emitted early, or the application stops with
   * `STATE_BUFFER_FULL`. Default `emitEarly`.
   */
  readonly whenFull?: 'emitEarly' | 'shutDown' | undefined
}

/** How long updates are held back; of windows, `untilWindowCloses`, or of any table, `untilTimeLimit`. */
export type Suppressed = SuppressedUntilTimeLimit | SuppressedUntilWindowCloses

interface Buffer {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

export interface SuppressedUntilTimeLimit extends Buffer {
  readonly kind: 'time-limit'
  readonly timeLimitMs: number
}

export interface SuppressedUntilWindowCloses extends Buffer {
  readonly kind: 'window-closes'
}

/**
 * Holds back the updates of a key for `timeLimit` from the first of them; then the last is emitted. Measured by stream time.
 *
 * @throws StreamsError `TOPOLOGY_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `Suppressed#untilTimeLimit`
 */
export function untilTimeLimit(timeLimit: Duration, options: TimeLimitOptions = {}): SuppressedUntilTimeLimit {
  checkOptions('untilTimeLimit()', options, ['maxRecords', 'maxBytes', 'whenFull'])
  const timeLimitMs = durationMs(timeLimit, 'The time limit of suppress()')
  if (timeLimitMs < 0) {
    throw new StreamsError('TOPOLOGY_INVALID', `untilTimeLimit() cannot wait for a negative time, ${timeLimitMs} ms.`)
  }
  const { whenFull = 'emitEarly' } = options
  if (whenFull !== 'emitEarly' && whenFull !== 'shutDown') {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `untilTimeLimit() takes 'emitEarly' or 'shutDown' as whenFull, not ${JSON.stringify(whenFull) ?? 'undefined'}.`
    )
  }
  return { kind: 'time-limit', timeLimitMs, ...bounds('untilTimeLimit', options), whenFull }
}

/**
 * Holds back the updates of a window until it is closed; then its final result is emitted, once. Beyond `maxRecords` or
 * `maxBytes` the application stops with `STATE_BUFFER_FULL`: an early result would not be final.
 *
 * @throws StreamsError `TOPOLOGY_INVALID`
 * @see Kafka Streams `Suppressed#untilWindowCloses`
 */
export function untilWindowCloses(options: BufferOptions = {}): SuppressedUntilWindowCloses {
  checkOptions('untilWindowCloses()', options, ['maxRecords', 'maxBytes'])
  return { kind: 'window-closes', ...bounds('untilWindowCloses', options), whenFull: 'shutDown' }
}

function bounds(where: string, options: BufferOptions): { maxRecords: number; maxBytes: number } {
  const { maxRecords = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = options
  for (const [name, bound] of Object.entries({ maxRecords, maxBytes })) {
    if (bound !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(bound) && bound >= 0)) {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `${where}() takes whole numbers from 0 as ${name}, not ${String(bound)}.`
      )
    }
  }
  return { maxRecords, maxBytes }
}
