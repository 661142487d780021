import type { Random } from '@millrace/streams/ports'

/** Between attempts at whatever may pass. */
export interface RetryBackoff {
  readonly firstMs: number
  readonly maxMs: number
}

/** Kafka's `retry.backoff.ms` and `retry.backoff.max.ms`. */
export const DEFAULT_RETRY_BACKOFF: RetryBackoff = { firstMs: 100, maxMs: 1000 }

/** Waits that double from attempt to attempt, each up to a fifth shorter or longer, so that clients do not retry in step. */
export class Backoff {
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #random: Random
  #failures = 0

  constructor(initialMs: number, maxMs: number, random: Random) {
    this.#initialMs = initialMs
    this.#maxMs = maxMs
    this.#random = random
  }

  /** The wait after one more failure. */
  nextMs(): number {
    const base = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#failures, 20))
    this.#failures++
    return base * (0.8 + 0.4 * this.#random())
  }

  reset(): void {
    this.#failures = 0
  }
}
