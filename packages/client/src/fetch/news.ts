import type { Clock } from '@millrace/streams/ports'

/** One bit that is set by events and awaited by readers. */
export class News {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #pending = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get awaited(): boolean {
    return this.#waiting.size > 0
  }

  /** Something happened: whoever waits goes on, or the next who would wait. */
  announce(): void {
    if (this.#waiting.size === 0) this.#pending = true
    else this.wake()
  }

  /** Whoever waits goes on, though nothing happened. */
  wake(): void {
    for (const resume of [...this.#waiting]) resume()
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#pending || timeoutMs <= 0) {
      this.#pending = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      const resume = (): void => {
        cancelTimer()
        this.#waiting.delete(resume)
        resolve()
      }
      const cancelTimer = this.#clock.setTimer(timeoutMs, resume)
      this.#waiting.add(resume)
    })
  }
}
