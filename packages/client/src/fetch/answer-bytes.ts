import { freeMemory } from '../free-memory.ts'

/** The bytes of one answer, of which several partitions have a part. They are freed when the last part was read. */
export class AnswerBytes {
  #parts = 0
  #bytes = 0
  #last: Buffer | undefined

  /** One more has a part of it. */
  hold(records: Buffer): void {
    this.#parts++
    this.#bytes += records.length
    this.#last = records
  }

  /** One of those is done. Views of the bytes are empty from the last time on. */
  release(): void {
    if (--this.#parts > 0 || this.#last === undefined) return
    freeMemory(Buffer.from(this.#last.buffer, 0, this.#bytes))
    this.#last = undefined
  }
}
