import type { Clock } from '@millrace/streams/ports'

/** Time that moves from timer to timer, and only when `step` is called. */
export class SteppingClock implements Clock {
  #nowMs = 0
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = []

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback }
    const index = this.#timers.findIndex(other => other.dueMs > timer.dueMs)
    this.#timers.splice(index < 0 ? this.#timers.length : index, 0, timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Runs the next timer; false when there is none. */
  step(): boolean {
    const timer = this.#timers.shift()
    if (timer === undefined) return false
    this.#nowMs = timer.dueMs
    timer.callback()
    return true
  }
}
