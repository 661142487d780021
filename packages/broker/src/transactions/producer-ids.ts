const BLOCK_SIZE = 1000n

/** Gives out producer ids, each once. They are reserved in blocks, so that not each is written down. */
export class ProducerIds {
  readonly #reserve: (end: bigint) => void
  #next = 0n
  #end = 0n

  /** @param reserve - Writes down that ids below `end` may be in use. */
  constructor(reserve: (end: bigint) => void) {
    this.#reserve = reserve
  }

  next(): bigint {
    if (this.#next === this.#end) {
      const end = this.#end + BLOCK_SIZE
      this.#reserve(end)
      this.#end = end
    }
    return this.#next++
  }

  /** Ids below are no longer free. */
  get reservedEnd(): bigint {
    return this.#end
  }

  /** Goes on after what an earlier run reserved. */
  restore(end: bigint): void {
    this.#next = end
    this.#end = end
  }
}
