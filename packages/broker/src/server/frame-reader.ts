import { ConnectionError } from '../connection-error.ts'

const SIZE_BYTES = 4

/** Cuts a stream of bytes into Kafka's frames: four bytes of size, then so many. Holds one unfinished frame at most. */
export class FrameReader {
  readonly #maxFrameBytes: number
  /** What came of the next frame, in the order of arrival. */
  #chunks: Buffer[] = []
  #bufferedBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes taken that belong to no frame yet that `next` gave. */
  get waitingBytes(): number {
    return this.#bufferedBytes
  }

  /** Takes bytes; they are kept, not copied, until their frame is complete. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
  }

  /**
   * The next whole frame, without its size; undefined while there is none.
   *
   * @throws ConnectionError when the size is negative or above the limit.
   */
  next(): Buffer | undefined {
    if (this.#bufferedBytes < SIZE_BYTES) return undefined
    const frameBytes = this.#peekSize()
    if (frameBytes < 0 || frameBytes > this.#maxFrameBytes) {
      throw new ConnectionError(
        `A request of ${frameBytes} bytes was announced; ${this.#maxFrameBytes} are the most. Does the client speak Kafka, without TLS?`
      )
    }
    const end = SIZE_BYTES + frameBytes
    if (this.#bufferedBytes < end) return undefined
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = bytes.length === end ? [] : [bytes.subarray(end)]
    this.#bufferedBytes -= end
    return bytes.subarray(SIZE_BYTES, end)
  }

  #peekSize(): number {
    const first = this.#chunks[0] as Buffer
    if (first.length >= SIZE_BYTES) return first.readInt32BE(0)
    const head = Buffer.concat(this.#chunks)
    this.#chunks = [head]
    return head.readInt32BE(0)
  }
}
