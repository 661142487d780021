import type { Clock, Random } from '@millrace/streams/ports'

interface Timer {
  readonly dueMs: number
  readonly sequence: number
  readonly callback: () => void
}

/** Time that stands still until a test moves it. Promises settle between timers, as in a process with nothing else to do. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #timers = new Set<Timer>()

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Runs all timers due within `ms`, in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
      await settle()
    }
    this.#nowMs = untilMs
  }

  /** Moves time without running a timer: what a stopped process sees when it goes on. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  /** Advances in small steps until `condition` holds. @throws when it does not within `limitMs`. */
  async until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
    const untilMs = this.#nowMs + limitMs
    await settle()
    while (!condition()) {
      if (this.#nowMs >= untilMs) throw new Error(`not within ${limitMs} ms: ${what}`)
      await this.advance(20)
    }
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.sequence < first.sequence)
      ) {
        first = timer
      }
    }
    return first
  }
}

/** A turn of the event loop runs every promise callback that is ready, and those that they make ready. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
