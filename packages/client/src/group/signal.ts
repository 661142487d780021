/** Wakes everyone who waits. A notification without a waiter is forgotten: look at the state before waiting. */
export class Signal {
  readonly #waiters = new Set<() => void>()

  wait(): Promise<void> {
    return new Promise(resolve => {
      this.once(resolve)
    })
  }

  /** Calls `waiter` at the next notification, unless the function that is returned was called before. */
  once(waiter: () => void): () => void {
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  notify(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }
}
