interface Letter {
  run(): Promise<void>
  reject(error: unknown): void
}

/** Work for the loop, done by it between two slices of processing, so that nothing touches tasks while they run. */
export class Mailbox {
  readonly #letters: Letter[] = []
  readonly #wake: () => void
  #closed: Error | undefined

  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** Settles as `work` did, after the loop has done it. Rejects at once when the loop has ended. */
  post(work: () => Promise<void> | void): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#letters.push({
        run: async () => {
          try {
            await work()
            resolve()
          } catch (error) {
            reject(error)
            throw error
          }
        },
        reject
      })
      this.#wake()
    })
  }

  get isEmpty(): boolean {
    return this.#letters.length === 0
  }

  /** Does all that has arrived, in order. @throws what one of them threw. */
  async work(): Promise<void> {
    for (let letter = this.#letters.shift(); letter !== undefined; letter = this.#letters.shift()) await letter.run()
  }

  close(reason: Error): void {
    this.#closed = reason
    for (const letter of this.#letters.splice(0)) letter.reject(reason)
  }
}
