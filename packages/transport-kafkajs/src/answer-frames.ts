/** Longer answers are not Kafka's; what other protocols begin with would read as more (HTTP 1.1 GB, a TLS alert 336 MiB). */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
const SIZE_BYTES = 4

/**
 * Cuts what a socket delivers into answers: each is copied once, into a buffer of its size, so that one buffer can receive for the
 * connection's whole life.
 */
export class AnswerFrames {
  readonly #onAnswer: (answer: Buffer) => void
  readonly #size = Buffer.allocUnsafe(SIZE_BYTES)
  #sizeAt = 0
  #answer: Buffer | undefined
  #answerAt = 0

  constructor(onAnswer: (answer: Buffer) => void) {
    this.#onAnswer = onAnswer
  }

  /** Takes the next bytes, of which it keeps no view. @throws Error when they are no answer of Kafka's. */
  read(chunk: Buffer): void {
    let from = 0
    while (from < chunk.length) {
      if (this.#answer === undefined) {
        while (this.#sizeAt < SIZE_BYTES && from < chunk.length) this.#size[this.#sizeAt++] = chunk[from++] as number
        if (this.#sizeAt < SIZE_BYTES) return
        this.#begin(this.#size.readInt32BE(0))
      }
      const answer = this.#answer as Buffer
      const copied = chunk.copy(answer, this.#answerAt, from)
      from += copied
      this.#answerAt += copied
      if (this.#answerAt < answer.length) return
      this.#answer = undefined
      this.#onAnswer(answer)
    }
  }

  #begin(bytes: number): void {
    if (bytes < SIZE_BYTES || bytes > MAX_ANSWER_BYTES) {
      throw new Error(
        `it announced an answer of ${bytes} bytes, which no Kafka broker does; see that the address is a Kafka listener, and whether it speaks TLS`
      )
    }
    this.#sizeAt = 0
    this.#answerAt = 0
    // Also where it is short: a part of Node's shared pool would keep all of that alive, and in the end promoted by the collector.
    this.#answer = Buffer.allocUnsafeSlow(bytes)
  }
}
