import { type StreamsError, whenSerdeReady } from '../../core/index.ts'

/** Why the record under a reader is not read yet: its serde waits for something. */
export class HeldRecord {
  readonly error: StreamsError
  /** Resolves when it is worth trying again. */
  readonly ready: Promise<void>
  /** How often the serde was asked for this record in vain. */
  readonly tries: number
  /** Of the reader: once it stands elsewhere, there is nothing to read again. */
  readonly position: number
  isReady = false

  constructor(error: StreamsError, tries: number, position: number) {
    this.error = error
    this.tries = tries
    this.position = position
    this.ready = (whenSerdeReady(error) ?? Promise.resolve()).then(() => {
      this.isReady = true
    })
  }
}
