import type { Clock } from '@millrace/streams/ports'
import type { BrokerLane } from './broker-lane.ts'

/** Without an answer for so long a broker may be half dead: its connections open, and nobody there. */
export const SILENT_AFTER_MS = 2_000

/**
 * Whether a broker, given all its lanes, owes something for too long and has answered nothing meanwhile. One that only lets somebody
 * wait, for a member of a group or for a replica, answers others.
 */
export function isSilent(lanes: readonly BrokerLane[], clock: Clock): boolean {
  if (!lanes.some(lane => lane.silentMs >= SILENT_AFTER_MS)) return false
  const nowMs = clock.monotonicMs()
  return lanes.every(lane => nowMs - lane.lastAnswerMs >= SILENT_AFTER_MS)
}

export interface LaneWatchOptions {
  readonly clock: Clock
  /** Those in use, broker by broker. */
  readonly brokers: () => Iterable<readonly BrokerLane[]>
  /** Called while there is a silent one, every 2 s. */
  readonly onSilence: () => void
}

/**
 * Looks after lanes with requests under way. A request time-out is long, for some requests take long at a broker that is well.
 * A cluster notices much sooner that a broker is gone, and says so to whoever asks: then what it was asked need not wait.
 */
export class LaneWatch {
  readonly #options: LaneWatchOptions
  readonly #retired = new Set<BrokerLane>()
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(options: LaneWatchOptions) {
    this.#options = options
  }

  /** Something has been asked. */
  wake(): void {
    if (this.#cancelTimer !== undefined || this.#closed) return
    this.#cancelTimer = this.#options.clock.setTimer(SILENT_AFTER_MS, () => {
      this.#cancelTimer = undefined
      this.#look()
    })
  }

  /** The cluster does not name the lane's broker any more: it may still answer what is under way, or never again. */
  retire(lane: BrokerLane): void {
    lane.retire()
    if (lane.silentMs >= SILENT_AFTER_MS) return lane.abandon()
    if (!lane.busy) return
    this.#retired.add(lane)
    this.wake()
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
    for (const lane of this.#retired) lane.abandon()
    this.#retired.clear()
  }

  #look(): void {
    let busy = false
    let silent = false
    for (const lane of this.#retired) {
      if (lane.silentMs >= SILENT_AFTER_MS) lane.abandon()
      if (lane.busy) busy = true
      else this.#retired.delete(lane)
    }
    for (const lanes of this.#options.brokers()) {
      if (lanes.some(lane => lane.busy)) busy = true
      if (isSilent(lanes, this.#options.clock)) silent = true
    }
    if (busy) this.wake()
    if (silent) this.#options.onSilence()
  }
}
