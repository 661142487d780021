/** The only way time and timers enter. Simulations and the test driver supply their own. */
export interface Clock {
  /** Milliseconds since the epoch; may jump. For timestamps. */
  nowMs(): number
  /** Milliseconds from an arbitrary start; never goes back. For durations and deadlines. */
  monotonicMs(): number
  /** Runs `callback` once after at least `delayMs`. Returns a function that cancels it. Keeps no process alive. */
  setTimer(delayMs: number, callback: () => void): () => void
}

/** The only way randomness enters. In [0, 1). */
export type Random = () => number
