import type { Emission } from './emission.ts'

/** What subscribers hold of one subscription, in records and bytes. */
export class HeldBounds {
  readonly #maxRecords: number
  readonly #maxBytes: number
  #records = 0
  #bytes = 0
  #whenRoom = Promise.withResolvers<void>()

  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords
    this.#maxBytes = maxBytes
  }

  /** Nothing more may be emitted now. A single record may be larger than the bytes allowed. */
  get reached(): boolean {
    return this.#records >= this.#maxRecords || this.#bytes >= this.#maxBytes
  }

  /** Resolves when something is let go, and on `wake`. */
  whenRoom(): Promise<void> {
    return this.#whenRoom.promise
  }

  wake(): void {
    this.#whenRoom.resolve()
    this.#whenRoom = Promise.withResolvers()
  }

  emission(bytes: number): Emission {
    let holders = 0
    return {
      hold: () => {
        if (holders++ === 0) {
          this.#records++
          this.#bytes += bytes
        }
        let released = false
        return () => {
          if (released) return
          released = true
          if (--holders > 0) return
          this.#records--
          this.#bytes -= bytes
          this.wake()
        }
      }
    }
  }
}
