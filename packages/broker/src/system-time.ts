import type { Clock, Random } from '@millrace/streams/ports'

/** Real time, for a broker that was given no other. */
export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

/** Real chance; for ids, which need not be unguessable. */
export const realRandom: Random = () => Math.random()
