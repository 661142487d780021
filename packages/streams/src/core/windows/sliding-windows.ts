import { checkOptions } from '../check-options.ts'
import { type Duration, durationMs } from '../duration.ts'
import { StreamsError } from '../errors.ts'

/**
 * Windows that slide along with the records: there is one for every set of records of a key that are at most the
 * difference apart. Each is closed at both ends: [start, start + difference]. None starts below 0.
 *
 * @see Kafka Streams `SlidingWindows`
 */
export interface SlidingWindows {
  readonly kind: 'sliding'
  readonly differenceMs: number
  /** How long after its end a window still takes records, measured by stream time. */
  readonly graceMs: number
}

/** Of windows that slide along with the records. */
export interface SlidingOptions {
  /** Default 0: a window closes as soon as stream time has passed its end. */
  readonly grace?: Duration
}

/**
 * Windows of records that are at most `difference` apart. A record changes those that hold it and makes up to two new
 * ones: one that ends with it, one that begins right after it. Closed at both ends: `[start, start + difference]`; none
 * starts below 0.
 *
 * @param difference - 0 or more.
 * @param options - `grace`: how long after its end a window still takes records; default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `SlidingWindows#ofTimeDifferenceAndGrace`, `#ofTimeDifferenceWithNoGrace`
 * @example
 * ```ts
 * builder
 *   .stream('payments', { key: string(), value: json<number>() })
 *   .groupByKey()
 *   .windowedBy(sliding('10s'))
 *   .reduce((sum, amount) => sum + amount)
 *   .toStream()
 *   .to('last-10s')
 * ```
 * ```text
 * payments alice:1@12s → last-10s alice[2s,12s):1@12s
 * payments alice:2@20s → last-10s alice[12s1ms,22s1ms):2@20s alice[10s,20s):3@20s
 * ```
 */
export function sliding(difference: Duration, options: SlidingOptions = {}): SlidingWindows {
  checkOptions('sliding()', options, ['grace'])
  const differenceMs = durationMs(difference, 'The difference of sliding windows')
  const graceMs = durationMs(options.grace ?? 0, 'The grace of sliding windows')
  if (differenceMs < 0) {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `sliding windows cannot have a negative difference, ${differenceMs} ms.`
    )
  }
  if (graceMs < 0) {
    throw new StreamsError('TOPOLOGY_WINDOW_INVALID', `sliding windows cannot have a negative grace, ${graceMs} ms.`)
  }
  return { kind: 'sliding', differenceMs, graceMs }
}
