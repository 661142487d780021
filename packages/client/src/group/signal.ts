/** Wakes everyone who waits. A notification without a waiter is forgotten: look at the state before waiting. */
export class Signal {
  #waiters: (() => void)[] = []

  wait(): Promise<void> {
    return new Promise(resolve => {
      this.#waiters.push(resolve)
    })
  }

  notify(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
