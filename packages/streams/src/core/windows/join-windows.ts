import { checkOptions } from '../check-options.ts'
import { type Duration, durationMs } from '../duration.ts'
import { StreamsError } from '../errors.ts'

/**
 * How far apart the records of two streams may be to be joined: a right record at `r` meets a left one at `l` when
 * `l - beforeMs <= r <= l + afterMs`.
 *
 * @see Kafka Streams `JoinWindows`
 */
export interface JoinWindows {
  readonly kind: 'join'
  /** May be negative, if the sum of both is not: then the right record has to come after the left. */
  readonly beforeMs: number
  readonly afterMs: number
  /** How long the results of records without a match are waited for, after their windows have ended by stream time. */
  readonly graceMs: number
}

/** Of the windows of a join of two streams. */
export interface JoinWindowsOptions {
  /** Default 0. */
  readonly grace?: Duration
  /** How long before the left record the right one may be. Default: the time difference. */
  readonly before?: Duration
  /** How long after the left record the right one may be. Default: the time difference. */
  readonly after?: Duration
}

/**
 * Windows for joining two streams, by the largest time difference of two records: a right record at `r` meets a left
 * one at `l` when `l - before <= r <= l + after`. Inclusive at both ends.
 *
 * @param timeDifference - 0 or more, or negative where `before` and `after` are given; their sum must not be negative.
 * @param options - `before` and `after` set the sides apart. `grace`: how much longer records are kept for those that
 *   come late, and how long a match is waited for after a record's window has ended, by stream time; default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `JoinWindows#ofTimeDifferenceAndGrace`, `#before`, `#after`
 * @example
 * ```ts
 * const asked = builder.stream('questions', { key: string(), value: string() })
 * const answered = builder.stream('answers', { key: string(), value: string() })
 * asked
 *   .join(answered, (question, answer) => `${question} ${answer}`, joinWindows('1m', { before: 0 }))
 *   .to('dialogue', { value: string() })
 * ```
 * ```text
 * answers q1:early@0 →
 * questions q1:why?@10s →
 * answers q1:because@70s → dialogue q1:"why? because"@1m10s
 * answers q1:tardy@71s →
 * ```
 */
export function joinWindows(timeDifference: Duration, options: JoinWindowsOptions = {}): JoinWindows {
  checkOptions('joinWindows()', options, ['grace', 'before', 'after'])
  const differenceMs = durationMs(timeDifference, 'The time difference of a join')
  const beforeMs = options.before === undefined ? differenceMs : durationMs(options.before, 'The time before of a join')
  const afterMs = options.after === undefined ? differenceMs : durationMs(options.after, 'The time after of a join')
  const graceMs = durationMs(options.grace ?? 0, 'The grace of a join')
  if (beforeMs + afterMs < 0) {
    throw invalid(`Join windows from ${-beforeMs} ms to ${afterMs} ms would end before they begin.`)
  }
  if (graceMs < 0) throw invalid(`Join windows cannot have a negative grace, ${graceMs} ms.`)
  return { kind: 'join', beforeMs, afterMs, graceMs }
}

function invalid(message: string): StreamsError {
  return new StreamsError('TOPOLOGY_WINDOW_INVALID', message)
}
