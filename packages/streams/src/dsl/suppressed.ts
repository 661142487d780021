import { checkOptions, type Duration, durationMs, StreamsError } from '../core/index.ts'

/** How much may be held back. */
export interface BufferOptions {
  /** How many keys may be held back. Default: any number. */
  readonly maxRecords?: number | undefined
  /** How many bytes of keys, values and headers may be held back. Default: any number. */
  readonly maxBytes?: number | undefined
}

/** How much may be held back, and what then. */
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
 * Holds back the updates of a key for `timeLimit` from the first of them; then the last is emitted. Measured by stream
 * time, so nothing comes while no record does.
 *
 * @param timeLimit - 0 or more; 0 holds nothing back.
 * @param options - `maxRecords` and `maxBytes` bound what is held, `whenFull` tells what happens then; default: no
 *   bound, `emitEarly`.
 * @throws StreamsError `TOPOLOGY_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `Suppressed#untilTimeLimit`
 * @example
 * ```ts
 * builder
 *   .table('prices', { key: string(), value: json<number>() })
 *   .suppress(untilTimeLimit('1m', { maxRecords: 2 }))
 *   .toStream()
 *   .to('calm-prices')
 * ```
 * ```text
 * prices tea:3@0 →
 * prices tea:4@10s →
 * prices milk:1@20s →
 * prices rice:2@30s → calm-prices tea:4@10s
 * prices rice:3@80s → calm-prices milk:1@20s
 * ```
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
 * @param options - `maxRecords` and `maxBytes`: default no bound, since what is held is on disk.
 * @throws StreamsError `TOPOLOGY_INVALID`
 * @see Kafka Streams `Suppressed#untilWindowCloses`
 * @example
 * ```ts
 * builder
 *   .stream('clicks', { key: string(), value: string() })
 *   .groupByKey()
 *   .windowedBy(tumbling('5m'))
 *   .count()
 *   .suppress(untilWindowCloses({ maxRecords: 1 }))
 *   .toStream()
 *   .to('clicks-5m')
 * ```
 * ```text
 * clicks alice:/home@0 →
 * clicks alice:/cart@4m →
 * clicks bob:/home@4m → error STATE_BUFFER_FULL
 * ```
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
