/** What tasks are writing to their disks while others are read; one write a task. */
export class RestoreWrites {
  readonly #underWay = new Map<object, Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  get count(): number {
    return this.#underWay.size
  }

  of(task: object): boolean {
    return this.#underWay.has(task)
  }

  add(task: object, write: Promise<void>): void {
    const ended = write.then(
      () => {
        this.#underWay.delete(task)
      },
      (error: unknown) => {
        this.#underWay.delete(task)
        this.#failure ??= { error }
      }
    )
    this.#underWay.set(task, ended)
  }

  /** Resolves when one of them has ended. */
  async next(): Promise<void> {
    await Promise.race(this.#underWay.values())
  }

  /** Resolves when all have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values())
  }

  /** @throws what the first write failed with. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
