import { type StreamsError, whenSerdeReady } from '../../core/index.ts'
import type { PartitionReader } from '../../ports/index.ts'

/** Why the record under a reader is not read yet: its serde waits for something. */
export class HeldRecord {
  readonly error: StreamsError
  /** Resolves when it is worth trying again. */
  readonly ready: Promise<void>
  /** How often the serde was asked for this record in vain. */
  readonly tries: number
  isReady = false
  readonly #reader: PartitionReader
  readonly #position: number
  readonly #buffer: Buffer

  /** @param reader - stands on the record. */
  constructor(error: StreamsError, tries: number, reader: PartitionReader) {
    this.error = error
    this.tries = tries
    this.#reader = reader
    this.#position = reader.position
    this.#buffer = reader.buffer
    this.ready = (whenSerdeReady(error) ?? Promise.resolve()).then(() => {
      this.isReady = true
    })
  }

  /** False once the reader was moved, say past records that were deleted: there is nothing to read again. */
  get isUnderReader(): boolean {
    return this.#reader.position === this.#position && this.#reader.buffer === this.#buffer
  }
}
