import type { Clock, Random } from '@millrace/streams/ports'

export interface BackoffOptions {
  readonly initialMs?: number
  readonly maxMs?: number
}

/** Waits that double, each with a fifth of jitter either way, so that members that failed together do not return together. */
export class Backoff {
  readonly #clock: Clock
  readonly #random: Random
  readonly #initialMs: number
  readonly #maxMs: number
  #failures = 0

  constructor(clock: Clock, random: Random, options: BackoffOptions = {}) {
    this.#clock = clock
    this.#random = random
    this.#initialMs = options.initialMs ?? 100
    this.#maxMs = options.maxMs ?? 1_000
  }

  /** Back to the first, shortest wait. */
  reset(): void {
    this.#failures = 0
  }

  /** The next wait, at most `limitMs`. */
  nextMs(limitMs = Number.POSITIVE_INFINITY): number {
    const plainMs = Math.min(this.#maxMs, this.#initialMs * 2 ** this.#failures)
    if (plainMs < this.#maxMs) this.#failures++
    return Math.max(0, Math.min(limitMs, plainMs * (0.8 + 0.4 * this.#random())))
  }

  wait(limitMs?: number): Promise<void> {
    const delayMs = this.nextMs(limitMs)
    return new Promise(resolve => {
      this.#clock.setTimer(delayMs, resolve)
    })
  }
}
