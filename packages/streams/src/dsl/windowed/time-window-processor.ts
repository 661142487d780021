import { firstWindowStartMs, type StreamRecord, type TimeWindows } from '../../core/index.ts'
import { NO_TIME } from './aggregate-functions.ts'
import type { ClosedWindowEmitter } from './closed-window-emitter.ts'
import { ClosingWindowProcessor } from './closing-window-processor.ts'

/**
 * Aggregates tumbling and hopping windows.
 *
 * @see Kafka Streams `KStreamWindowAggregate`
 */
export class TimeWindowProcessor<K, V, A> extends ClosingWindowProcessor<TimeWindows, K, V, A> {
  override process(record: StreamRecord<K, V>): void {
    if (record.key === null) {
      this.context.drop('null-key')
      return
    }
    const { timestampMs } = record
    const { streamTime, windows } = this
    if (timestampMs > streamTime.value) streamTime.value = timestampMs
    const closedUpToMs = streamTime.value - windows.graceMs
    for (let start = firstWindowStartMs(windows, timestampMs); start <= timestampMs; start += windows.advanceMs) {
      if (start + windows.sizeMs > closedUpToMs) this.update(record, start)
      else this.context.drop('late')
    }
    if (this.emitter !== undefined) this.emitClosed(this.emitter, closedUpToMs, record)
  }

  private update(record: StreamRecord<K, V>, startMs: number): void {
    const { key, headers } = record
    const stored = this.store.fetchOne(key, startMs)
    const before = stored === undefined ? this.functions.initializer() : stored.value
    const after = this.functions.aggregator(key, record.value, before) ?? null
    const timestampMs = stored === undefined ? record.timestampMs : Math.max(record.timestampMs, stored.timestampMs)
    const isStored = this.store.put(key, after, startMs, timestampMs, headers)
    if (this.forwarder === undefined) return
    const windowed = { key, startMs, endMs: startMs + this.windows.sizeMs }
    this.forwarder.forward(windowed, before, after, timestampMs, headers, isStored)
  }

  private emitClosed(emitter: ClosedWindowEmitter<K, A>, closedUpToMs: number, record: StreamRecord<K, V>): void {
    const last = emitter.closedUpToMs
    if (last !== NO_TIME && last >= closedUpToMs) return
    const { windows } = this
    const toStartMs = closedUpToMs - windows.sizeMs
    if (toStartMs < 0) return
    // The end is exclusive: what ended just when it was emitted last was in that emission.
    const fromStartMs = last === NO_TIME ? 0 : Math.max(0, last - windows.sizeMs) + 1
    if (last !== NO_TIME && this.areInSameWindows(fromStartMs - 1, toStartMs)) return
    emitter.emit(fromStartMs, toStartMs, closedUpToMs, record.headers)
  }

  private areInSameWindows(aMs: number, bMs: number): boolean {
    const { windows } = this
    const { advanceMs } = windows
    return (
      firstWindowStartMs(windows, aMs) === firstWindowStartMs(windows, bMs) &&
      Math.floor(aMs / advanceMs) === Math.floor(bMs / advanceMs)
    )
  }
}
