/**
 * As a Fetch answer lists it: from `firstOffset` on, this producer's records are aborted, up to its next abort marker.
 */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/**
 * Which producers' records are aborted at the batch being read. The list of one Fetch answer is complete for that
 * answer: it also names transactions that began before it and end after it. So nothing is carried from one answer to
 * the next.
 */
export class AbortedProducers {
  #pending: readonly AbortedTransaction[] = []
  #next = 0
  readonly #open = new Set<bigint>()

  reset(transactions: readonly AbortedTransaction[] | null): void {
    this.#next = 0
    this.#open.clear()
    this.#pending =
      transactions === null || transactions.length < 2
        ? (transactions ?? [])
        : [...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Takes in the transactions that begin up to here. Call it for each batch, in order. */
  advanceTo(lastOffset: number): void {
    while (this.#next < this.#pending.length && this.#pending[this.#next]!.firstOffset <= lastOffset) {
      this.#open.add(this.#pending[this.#next]!.producerId)
      this.#next++
    }
  }

  has(producerId: bigint): boolean {
    return this.#open.size > 0 && this.#open.has(producerId)
  }

  /** An abort marker: later records of this producer belong to another transaction. */
  end(producerId: bigint): void {
    this.#open.delete(producerId)
  }
}
