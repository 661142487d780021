import { checkOptions } from '../check-options.ts'
import { type Duration, durationMs } from '../duration.ts'
import { StreamsError } from '../errors.ts'

/**
 * Windows of one size whose starts are multiples of the advance. Each is half-open: [start, start + size). None starts below 0.
 *
 * @see Kafka Streams `TimeWindows`
 */
export interface TimeWindows {
  readonly kind: 'time'
  readonly sizeMs: number
  readonly advanceMs: number
  /** How long after its end a window still takes records, measured by stream time. */
  readonly graceMs: number
}

/** Of windows that follow one another. */
export interface TumblingOptions {
  /** Default 0: a window closes as soon as stream time reaches its end. */
  readonly grace?: Duration
}

/** Of windows that overlap. */
export interface HoppingOptions extends TumblingOptions {
  /** From the start of one window to the next; above 0 and at most the size. */
  readonly advance: Duration
}

/**
 * Windows that follow one another without a gap: each record is in exactly one, `[start, start + size)`. Starts are
 * multiples of the size since the epoch.
 *
 * @param size - above 0.
 * @param options - `grace`: how long after its end a window still takes records; default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `TimeWindows#ofSizeAndGrace`, `#ofSizeWithNoGrace`
 * @example
 * ```ts
 * builder
 *   .stream('clicks', { key: string(), value: string() })
 *   .groupByKey()
 *   .windowedBy(tumbling('10s'))
 *   .count()
 *   .toStream()
 *   .to('counts')
 * ```
 * ```text
 * clicks alice:/home@9999 → counts alice[0,10s):1@9s999ms
 * clicks alice:/home@10s → counts alice[10s,20s):1@10s
 * ```
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): TimeWindows {
  checkOptions('tumbling()', options, ['grace'])
  const sizeMs = durationMs(size, 'The size of tumbling windows')
  return timeWindows('tumbling', sizeMs, sizeMs, options.grace ?? 0)
}

/**
 * Windows that overlap: each record is in `size / advance` of them, rounded up or down. Starts are multiples of the
 * advance; none is below 0. A window is half-open, `[start, start + size)`.
 *
 * @param size - above 0.
 * @param options - `advance`: above 0, at most the size. `grace`: how long after its end a window still takes records;
 *   default 0.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`
 * @see Kafka Streams `TimeWindows#advanceBy`
 * @example
 * ```ts
 * builder
 *   .stream('clicks', { key: string(), value: string() })
 *   .groupByKey()
 *   .windowedBy(hopping('10s', { advance: '5s' }))
 *   .count()
 *   .toStream()
 *   .to('counts')
 * ```
 * ```text
 * clicks alice:/home@12s → counts alice[5s,15s):1@12s alice[10s,20s):1@12s
 * clicks alice:/cart@16s → counts alice[10s,20s):2@16s alice[15s,25s):1@16s
 * ```
 */
export function hopping(size: Duration, options: HoppingOptions): TimeWindows {
  checkOptions('hopping()', options, ['advance', 'grace'])
  const sizeMs = durationMs(size, 'The size of hopping windows')
  const advanceMs = durationMs(options.advance, 'The advance of hopping windows')
  return timeWindows('hopping', sizeMs, advanceMs, options.grace ?? 0)
}

/** Start of the earliest window that holds the timestamp; the others follow at `advanceMs`, up to the timestamp. */
export function firstWindowStartMs(windows: TimeWindows, timestampMs: number): number {
  const { sizeMs, advanceMs } = windows
  const lowest = timestampMs - sizeMs + advanceMs
  return lowest <= 0 ? 0 : lowest - (lowest % advanceMs)
}

/** Starts of all windows that hold the timestamp, ascending. */
export function windowStartsMs(windows: TimeWindows, timestampMs: number): number[] {
  const starts: number[] = []
  for (let start = firstWindowStartMs(windows, timestampMs); start <= timestampMs; start += windows.advanceMs) {
    starts.push(start)
  }
  return starts
}

function timeWindows(name: string, sizeMs: number, advanceMs: number, grace: Duration): TimeWindows {
  const graceMs = durationMs(grace, `The grace of ${name} windows`)
  if (sizeMs <= 0) throw invalid(`${name} windows need a size above 0, not ${sizeMs} ms.`)
  if (advanceMs <= 0) throw invalid(`${name} windows need an advance above 0, not ${advanceMs} ms.`)
  if (advanceMs > sizeMs) {
    throw invalid(
      `${name} windows of ${sizeMs} ms that advance by ${advanceMs} ms would miss records. Advance by at most the size.`
    )
  }
  if (graceMs < 0) throw invalid(`${name} windows cannot have a negative grace, ${graceMs} ms.`)
  return { kind: 'time', sizeMs, advanceMs, graceMs }
}

function invalid(message: string): StreamsError {
  return new StreamsError('TOPOLOGY_WINDOW_INVALID', message)
}
