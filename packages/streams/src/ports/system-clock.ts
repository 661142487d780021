import type { Clock } from './clock.ts'

/** Node fires a timer that is to take longer at once. */
const LONGEST_DELAY_MS = 2_147_483_647

/** Real time. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS))
    timer.unref()
    return () => clearTimeout(timer)
  }
}
