import { checkOptions } from '../check-options.ts'
import { type Duration, durationMs } from '../duration.ts'
import { StreamsError } from '../errors.ts'

/**
 * Windows of activity: records of a key that are at most the gap apart belong to one session, which grows with them and
 * may join others. Closed at both ends: from its first record to its last.
 *
 * @see Kafka Streams `SessionWindows`
 */
export interface SessionWindows {
  readonly kind: 'session'
  readonly gapMs: number
  /** How long after its end and the gap a session still takes records, measured by stream time. */
  readonly graceMs: number
}

/** Of sessions. */
export interface SessionOptions {
  /** Default 0: a session closes as soon as stream time has passed its end and the gap. */
  readonly grace?: Duration
}

/**
 * Sessions: records of a key that are at most `gap` apart belong together; a session ends when the key has been silent
 * for longer. Closed at both ends: from its first record to its last. A late record may join two sessions.
 *
 * @param gap - 0 or more.
 * @param options - `grace`: how long after its end and the gap a session still takes records; default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `SessionWindows#ofInactivityGapAndGrace`, `#ofInactivityGapWithNoGrace`
 * @example
 * ```ts
 * builder
 *   .stream('clicks', { key: string(), value: string() })
 *   .groupByKey()
 *   .windowedBy(session('10s', { grace: '5s' }))
 *   .count()
 *   .toStream()
 *   .to('visits')
 * ```
 * ```text
 * clicks alice:/home@0 → visits alice[0,0]:1@0
 * clicks alice:/cart@20s → visits alice[20s,20s]:1@20s
 * clicks alice:/late@10s → visits alice[20s,20s]:null@20s alice[10s,20s]:2@20s
 * ```
 */
export function session(gap: Duration, options: SessionOptions = {}): SessionWindows {
  checkOptions('session()', options, ['grace'])
  const gapMs = durationMs(gap, 'The gap of session windows')
  const graceMs = durationMs(options.grace ?? 0, 'The grace of session windows')
  if (gapMs < 0) {
    throw new StreamsError('TOPOLOGY_WINDOW_INVALID', `session windows cannot have a negative gap, ${gapMs} ms.`)
  }
  if (graceMs < 0) {
    throw new StreamsError('TOPOLOGY_WINDOW_INVALID', `session windows cannot have a negative grace, ${graceMs} ms.`)
  }
  return { kind: 'session', gapMs, graceMs }
}
