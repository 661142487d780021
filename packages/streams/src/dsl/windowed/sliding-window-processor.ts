import type { SlidingWindows, StreamRecord, ValueAndTimestamp } from '../../core/index.ts'
import { NO_TIME } from './aggregate-functions.ts'
import type { ClosedWindowEmitter } from './closed-window-emitter.ts'
import { ClosingWindowProcessor } from './closing-window-processor.ts'

/**
 * Aggregates sliding windows. The left window of a record ends with it, its right window begins one millisecond after it;
 * a window is kept for every set of records that one can hold, and its timestamp is that of its last record.
 *
 * @see Kafka Streams `KStreamSlidingWindowAggregate`
 */
export class SlidingWindowProcessor<K, V, A> extends ClosingWindowProcessor<SlidingWindows, K, V, A> {
  /** Windows that ended before this are closed. */
  private closedBeforeMs = 0

  override process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs } = record
    if (key === null || value === null) {
      this.context.drop('null-key-or-value')
      return
    }
    const { differenceMs, graceMs } = this.windows
    if (timestampMs > this.streamTime.value) this.streamTime.value = timestampMs
    this.closedBeforeMs = this.streamTime.value - graceMs
    if (timestampMs + differenceMs < this.closedBeforeMs) {
      this.context.drop('late')
      return
    }
    if (timestampMs < differenceMs) {
      // As in Kafka Streams, such a record closes no windows.
      this.addEarly(record)
      return
    }
    this.add(record)
    if (this.emitter !== undefined) this.emitClosed(this.emitter, record)
  }

  private add(record: StreamRecord<K, V>): void {
    const { key, timestampMs } = record
    const { differenceMs } = this.windows
    let leftAggregate: A | null = null
    let right: ValueAndTimestamp<A> | undefined
    let hasLeft = false
    let hasRight = false
    let previousMs: number | undefined

    // The window that begins after the record is its right one, if it exists.
    const rows = this.store.fetchRange(key, Math.max(0, timestampMs - 2 * differenceMs), timestampMs + 1)
    for (let index = rows.length - 1; index >= 0; index--) {
      const row = rows[index] as (typeof rows)[number]
      const startMs = row.windowStartMs
      const endMs = startMs + differenceMs
      if (startMs === timestampMs + 1) {
        hasRight = true
      } else if (endMs > timestampMs) {
        // The latest of them holds what the record's right window would.
        right ??= row.value
        this.update(record, startMs, row.value.value, row.value.timestampMs)
      } else if (endMs === timestampMs) {
        hasLeft = true
        this.update(record, startMs, row.value.value, row.value.timestampMs)
        // It holds a record of just this time, which has made all windows there are to make.
        if (row.value.timestampMs >= timestampMs) return
        previousMs = row.value.timestampMs
      } else {
        leftAggregate = row.value.value
        previousMs = row.value.timestampMs
        break
      }
    }

    if (previousMs !== undefined) {
      const startMs = previousMs + 1
      const isMissing = !rows.some(row => row.windowStartMs === startMs)
      if (isMissing && startMs + differenceMs >= timestampMs) this.create(record, startMs)
    }
    if (!hasLeft) {
      const startMs = timestampMs - differenceMs
      if (previousMs !== undefined && startMs <= previousMs) this.update(record, startMs, leftAggregate, timestampMs)
      else this.create(record, startMs)
    }
    if (!hasRight && right !== undefined && right.timestampMs > timestampMs) this.createRight(record, right)
  }

  /** Records before `difference` share the window [0, difference], as windows would have to start below 0. */
  private addEarly(record: StreamRecord<K, V>): void {
    const { key, timestampMs } = record
    let combined: ValueAndTimestamp<A> | undefined
    let right: ValueAndTimestamp<A> | undefined
    let hasRight = false
    let previousMs: number | undefined

    const rows = this.store.fetchRange(key, 0, timestampMs + 1)
    for (const { windowStartMs: startMs, value } of rows) {
      if (startMs === 0) {
        combined = value
        // The right window of a record before this one was made by the later one.
        if (value.timestampMs < timestampMs) previousMs = value.timestampMs
      } else if (startMs <= timestampMs) {
        right = value
        this.update(record, startMs, value.value, value.timestampMs)
      } else {
        hasRight = true
      }
    }
    // Without a window in between, all that the combined one holds came after this record.
    if (right === undefined && combined !== undefined && combined.timestampMs > timestampMs) right = combined

    if (!hasRight && right !== undefined && right.timestampMs > timestampMs) this.createRight(record, right)
    if (previousMs !== undefined) {
      const startMs = previousMs + 1
      if (!rows.some(row => row.windowStartMs === startMs)) this.create(record, startMs)
    }
    if (combined === undefined) this.create(record, 0)
    else this.update(record, 0, combined.value, combined.timestampMs)
  }

  /** A window that holds only this record. */
  private create(record: StreamRecord<K, V>, startMs: number): void {
    this.update(record, startMs, this.functions.initializer(), record.timestampMs)
  }

  private update(record: StreamRecord<K, V>, startMs: number, before: A | null, lastMs: number): void {
    const { key, headers } = record
    const endMs = startMs + this.windows.differenceMs
    if (endMs < this.closedBeforeMs) {
      this.context.drop('late')
      return
    }
    const after = this.functions.aggregator(key, record.value, before) ?? null
    const timestampMs = before === null ? record.timestampMs : Math.max(record.timestampMs, lastMs)
    const isStored = this.store.put(key, after, startMs, timestampMs, headers)
    this.forwarder?.forward({ key, startMs, endMs }, before, after, timestampMs, headers, isStored)
  }

  /** The window that begins after the record holds what later records are there. */
  private createRight({ key, timestampMs, headers }: StreamRecord<K, V>, right: ValueAndTimestamp<A>): void {
    const startMs = timestampMs + 1
    const isStored = this.store.put(key, right.value, startMs, right.timestampMs, headers)
    const windowed = { key, startMs, endMs: startMs + this.windows.differenceMs }
    this.forwarder?.forward(windowed, null, right.value, right.timestampMs, headers, isStored)
  }

  private emitClosed(emitter: ClosedWindowEmitter<K, A>, record: StreamRecord<K, V>): void {
    const { closedBeforeMs } = this
    const last = emitter.closedUpToMs
    if (last !== NO_TIME && last >= closedBeforeMs) return
    const { differenceMs } = this.windows
    // The end is inclusive, so a window that ends now is still open.
    const toStartMs = closedBeforeMs - differenceMs - 1
    if (toStartMs < 0) return
    const fromStartMs = last === NO_TIME ? 0 : Math.max(0, last - differenceMs)
    emitter.emit(fromStartMs, toStartMs, closedBeforeMs, record.headers)
  }
}
