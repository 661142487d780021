import type { Backoff } from '../backoff.ts'

/** Latecomers' requests come back soon, so that their partitions join the main request again. */
const LATECOMER_WAIT_MS = 50

/** At most one request under way. */
export interface Slot {
  readonly lane: string
  readonly maxWaitMs: number
  busy: boolean
}

/**
 * What is under way to one broker. Answers come in order, so a long poll for idle partitions would hold up one that has
 * just been added or read empty: the second slot, with a connection of its own, is for those.
 */
export class FetchingBroker {
  readonly nodeId: number
  readonly main: Slot
  readonly latecomers: Slot
  readonly backoff: Backoff
  /** Not asked before this instant, monotonic: it failed. */
  retryAtMs = 0
  /** Nor before this one: it answered at once that it has nothing yet. */
  pausedUntilMs = 0
  /** How often in a row it did so. */
  pauses = 0
  /** The main slot's long poll ran out: it waits for the latecomers, so that one request asks for all again. */
  joining = false

  constructor(nodeId: number, lane: string, maxWaitMs: number, backoff: Backoff) {
    this.nodeId = nodeId
    this.main = { lane, maxWaitMs, busy: false }
    this.latecomers = { lane: latecomerLane(lane), maxWaitMs: Math.min(maxWaitMs, LATECOMER_WAIT_MS), busy: false }
    this.backoff = backoff
  }

  get freeSlot(): Slot | undefined {
    if (!this.main.busy && !(this.joining && this.latecomers.busy)) return this.main
    return this.latecomers.busy ? undefined : this.latecomers
  }
}

export function latecomerLane(lane: string): string {
  return `${lane}-latecomers`
}
