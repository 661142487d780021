import type { Clock } from '@millrace/streams/ports'
import type { BrokerLane } from './broker-lane.ts'

/** Without an answer for so long a broker may be half dead: its connections open, and nobody there. */
export const SILENT_AFTER_MS = 2_000

export interface LaneWatchOptions {
  readonly clock: Clock
  /** Those in use. */
  readonly lanes: () => Iterable<BrokerLane>
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
    for (const lane of this.#options.lanes()) {
      if (lane.busy) busy = true
      if (lane.silentMs >= SILENT_AFTER_MS) silent = true
    }
    if (busy) this.wake()
    if (silent) this.#options.onSilence()
  }
}
