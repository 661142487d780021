interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** Which leader epoch each offset was written in (KIP-101, KIP-320). */
export class LeaderEpochs {
  #starts: EpochStart[] = []

  /** Takes note of a batch, or of the beginning of an epoch; epochs never go back. */
  note(epoch: number, offset: number): void {
    const last = this.#starts.at(-1)
    if (last !== undefined && epoch <= last.epoch) return
    // An epoch in which nothing was written is as if it had never been.
    while ((this.#starts.at(-1)?.startOffset ?? -1) >= offset) this.#starts.pop()
    this.#starts.push({ epoch, startOffset: offset })
  }

  /** The epoch of an offset; -1 when nothing so old is known. */
  at(offset: number): number {
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      const start = this.#starts[i] as EpochStart
      if (start.startOffset <= offset) return start.epoch
    }
    return -1
  }

  /**
   * The largest epoch that is not above `epoch`, and the offset behind its last record.
   *
   * @param current - The epoch that this broker leads in; it may have no record yet.
   */
  endOf(epoch: number, current: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === current) return { epoch, endOffset: logEndOffset }
    const next = this.#starts.findIndex(start => start.epoch > epoch)
    if (next < 0 || epoch < 0) return { epoch: -1, endOffset: -1 }
    const { startOffset } = this.#starts[next] as EpochStart
    // An epoch below the first known one ends where that begins (KIP-320).
    return { epoch: next === 0 ? epoch : (this.#starts[next - 1] as EpochStart).epoch, endOffset: startOffset }
  }

  forgetBelow(offset: number): void {
    while (this.#starts.length > 1 && (this.#starts[1] as EpochStart).startOffset <= offset) this.#starts.shift()
  }

  clear(): void {
    this.#starts = []
  }
}
