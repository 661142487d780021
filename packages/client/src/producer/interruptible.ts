import type { Clock } from '@millrace/streams/ports'

/** Lets go of everything that waits, whatever it waits for, when the producer is closed. */
export class Interruptible {
  readonly #clock: Clock
  readonly #pending = new Set<(error: Error) => void>()
  #error: Error | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** As `promise`, or rejected at the interruption if that comes first. */
  run<T>(promise: Promise<T>): Promise<T> {
    if (this.#error !== undefined) {
      promise.catch(() => {})
      return Promise.reject(this.#error)
    }
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      promise.then(resolve, reject).finally(() => this.#pending.delete(reject))
    })
  }

  async sleep(delayMs: number): Promise<void> {
    let cancel = (): void => {}
    const timer = new Promise<void>(resolve => {
      cancel = this.#clock.setTimer(delayMs, resolve)
    })
    try {
      await this.run(timer)
    } finally {
      cancel()
    }
  }

  interrupt(error: Error): void {
    this.#error = error
    for (const reject of this.#pending) reject(error)
    this.#pending.clear()
  }
}
