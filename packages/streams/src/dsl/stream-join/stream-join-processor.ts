import type { Headers, Processor, ProcessorContext, StreamRecord, WindowStore } from '../../core/index.ts'
import { JoinTime } from './join-time.ts'
import type { UnmatchedStore } from './unmatched-rows.ts'

export type StreamJoiner<K, V, VO, VR> = (value: V | null, other: VO | null, key: K) => VR

export interface StreamJoinSide<K, V, VO, VR> {
  readonly isLeft: boolean
  /** Seen from this side: a record of the other at `o` meets one of this at `t` when `t - beforeMs <= o <= t + afterMs`. */
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
  readonly otherStore: string
  /** Whether records of this side give a result without a match. */
  readonly isOuter: boolean
  /** Undefined in an inner join: there is nothing to wait for. */
  readonly unmatchedStore: string | undefined
  /** Of this side's value, then the other's. */
  readonly joiner: StreamJoiner<K, V, VO, VR>
  /** Shared by both sides, by the store that they share: one for each task. */
  readonly times: WeakMap<object, JoinTime>
}

/** Stores the records of one side, for the other side to find them. They are joined before they are stored. */
export class JoinWindowKeeper<K, V> implements Processor<K, V, K, V> {
  private readonly storeName: string
  private context!: ProcessorContext<K, V>
  private store!: WindowStore<K, V>

  constructor(storeName: string) {
    this.storeName = storeName
  }

  init(context: ProcessorContext<K, V>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
  }

  process(record: StreamRecord<K, V>): void {
    this.context.forward(record)
    if (record.key !== null) this.store.put(record.key, record.value, record.timestampMs)
  }
}

/**
 * Joins the records of one side with those of the other.
 *
 * @see Kafka Streams `KStreamKStreamJoin`
 */
export class StreamJoinProcessor<K, V, VO, VR> implements Processor<K, V, K, VR> {
  private readonly side: StreamJoinSide<K, V, VO, VR>
  private readonly isLeft: boolean
  private readonly joiner: StreamJoiner<K, V, VO, VR>
  private context!: ProcessorContext<K, VR>
  private others!: WindowStore<K, VO>
  private unmatched: UnmatchedStore<K> | undefined
  private time: JoinTime | undefined

  constructor(side: StreamJoinSide<K, V, VO, VR>) {
    this.side = side
    this.isLeft = side.isLeft
    this.joiner = side.joiner
  }

  init(context: ProcessorContext<K, VR>): void {
    const { otherStore, unmatchedStore, times } = this.side
    this.context = context
    this.others = context.getStateStore(otherStore)
    if (unmatchedStore === undefined) return
    const unmatched = context.getStateStore<UnmatchedStore<K>>(unmatchedStore)
    this.unmatched = unmatched
    this.time = times.get(unmatched)
    if (this.time === undefined) {
      this.time = new JoinTime(context)
      times.set(unmatched, this.time)
    }
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs, headers } = record
    const { isOuter, beforeMs, afterMs } = this.side
    const { time } = this
    if (time !== undefined) {
      time.settle(this.unmatched as UnmatchedStore<K>)
      time.observe(timestampMs)
    }
    if (value === null || key === null) {
      if (isOuter && value !== null) this.forward(key, value, null, timestampMs, headers)
      else this.context.drop('null-key-or-value')
      return
    }
    if (time !== undefined && timestampMs === time.streamMs) this.emitClosed(time, headers)

    const toMs = Math.max(0, timestampMs + afterMs)
    const matches = this.others.fetchRange(key, Math.max(0, timestampMs - beforeMs), toMs)
    for (const { windowStartMs, value: other } of matches) {
      if (time?.hasWaiting === true) this.forget(key, windowStartMs)
      this.forward(key, value, other, Math.max(timestampMs, windowStartMs), headers)
    }
    if (!isOuter || matches.length > 0 || time === undefined) return
    // Too late to wait: its window has ended, though the grace may not have.
    if (toMs < time.streamMs) this.forward(key, value, null, timestampMs, headers)
    else this.wait(time, key, value, timestampMs)
  }

  private forward(key: K, value: V | null, other: VO | null, timestampMs: number, headers: Headers): void {
    const joined = (this.joiner(value, other, key) ?? null) as VR
    this.context.forward({ key, value: joined, timestampMs, headers })
  }

  /** A record of the other side has found a match, and with it all of the same key and time. */
  private forget(key: K, timestampMs: number): void {
    const unmatched = this.unmatched as UnmatchedStore<K>
    const other = { key, timestampMs, isLeft: !this.isLeft }
    if (unmatched.get(other) !== undefined) unmatched.put(other, null)
  }

  private wait(time: JoinTime, key: K, value: V, timestampMs: number): void {
    const { isLeft } = this
    const unmatched = this.unmatched as UnmatchedStore<K>
    const row = { key, timestampMs, isLeft }
    time.lowerMin(timestampMs)
    unmatched.put(row, [...(unmatched.get(row) ?? []), { isLeft, value }])
  }

  /**
   * Emits records whose windows have closed without a match. Goes on past those of one side that are still open, since
   * the other side may close earlier; the time of the last one visited says when to look again.
   */
  private emitClosed(time: JoinTime, headers: Headers): void {
    const { afterMs, graceMs } = this.side
    const nowMs = time.streamMs
    if (!time.hasWaiting || time.minMs + afterMs + graceMs >= nowMs) return
    const unmatched = this.unmatched as UnmatchedStore<K>
    let isLeftOpen = false
    let isRightOpen = false
    time.nothingVisited()
    const rows = unmatched.cursor()
    while (rows.next()) {
      const { key, timestampMs, isLeft } = rows.key
      time.visited(timestampMs)
      if (isLeftOpen && isRightOpen) return
      if (timestampMs + this.closeDelayMs(isLeft) + graceMs >= nowMs) {
        if (isLeft) isLeftOpen = true
        else isRightOpen = true
        continue
      }
      for (const { value } of rows.value) {
        if (isLeft === this.isLeft) this.forward(key, value, null, timestampMs, headers)
        else this.forward(key, null, value, timestampMs, headers)
      }
      unmatched.put(rows.key, null)
    }
  }

  /** How long after a record one of the other side may match it. */
  private closeDelayMs(isLeft: boolean): number {
    return isLeft === this.isLeft ? this.side.afterMs : this.side.beforeMs
  }
}
