interface AbortedRange {
  readonly producerId: bigint
  readonly firstOffset: number
  /** Of its marker. */
  readonly lastOffset: number
  /** The partition's last stable offset once it was decided: no later one can have begun below. */
  readonly lastStableOffset: number
}

/** The aborted transactions of one partition, in the order of their markers. */
export class AbortedTransactions {
  #ranges: AbortedRange[] = []

  add(range: AbortedRange): void {
    this.#ranges.push(range)
  }

  /** Those with records in `[from, to)`, as a reader under read_committed has to know them. */
  within(from: number, to: number): { producerId: bigint; firstOffset: number }[] {
    const found: { producerId: bigint; firstOffset: number }[] = []
    for (let i = this.#firstEndingAt(from); i < this.#ranges.length; i++) {
      const range = this.#ranges[i] as AbortedRange
      if (range.firstOffset < to) found.push({ producerId: range.producerId, firstOffset: range.firstOffset })
      if (range.lastStableOffset >= to) break
    }
    return found
  }

  /** Whether a record of this producer at `offset` was aborted. */
  has(producerId: bigint, offset: number): boolean {
    for (let i = this.#firstEndingAt(offset); i < this.#ranges.length; i++) {
      const range = this.#ranges[i] as AbortedRange
      if (range.producerId === producerId && range.firstOffset <= offset) return true
      if (range.lastStableOffset > offset) break
    }
    return false
  }

  /** Forgets the one whose marker stands at `lastOffset`, if it is one of these. */
  forget(producerId: bigint, lastOffset: number): void {
    const i = this.#firstEndingAt(lastOffset)
    const range = this.#ranges[i]
    if (range?.lastOffset === lastOffset && range.producerId === producerId) this.#ranges.splice(i, 1)
  }

  /** Forgets those that ended below `offset`. */
  forgetBelow(offset: number): void {
    const first = this.#firstEndingAt(offset)
    if (first > 0) this.#ranges = this.#ranges.slice(first)
  }

  clear(): void {
    this.#ranges = []
  }

  #firstEndingAt(offset: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle] as AbortedRange).lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
