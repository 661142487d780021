/** A worker that ran this long was healthy: its next crash counts as the first. */
const HEALTHY_AFTER_MS = 60_000
const MAX_DELAY_MS = 30_000

export interface RestartPolicyOptions {
  readonly maxRestarts: number
  readonly restartDelayMs: number
}

/** Decides for one worker when it starts again after a crash, and when that is enough. */
export class RestartPolicy {
  readonly #maxRestarts: number
  readonly #restartDelayMs: number
  #restartsInARow = 0

  constructor({ maxRestarts, restartDelayMs }: RestartPolicyOptions) {
    this.#maxRestarts = maxRestarts
    this.#restartDelayMs = restartDelayMs
  }

  /** How long to wait before the restart; undefined: give up. */
  afterCrash(ranForMs: number): number | undefined {
    if (ranForMs >= HEALTHY_AFTER_MS) this.#restartsInARow = 0
    if (this.#restartsInARow >= this.#maxRestarts) return undefined
    this.#restartsInARow++
    return Math.min(this.#restartDelayMs * 2 ** (this.#restartsInARow - 1), MAX_DELAY_MS)
  }
}
