import { copyBytes } from './byte-chunks.ts'

const MAX_LENGTH = 512
const NO_BYTES = Buffer.alloc(0)
/** What is longer is rare, and not worth holding. */
const MAX_SHARED_LENGTH = 1024 * 1024

/**
 * A buffer of each length, to hand a few bytes to somebody who copies them at once: to make a buffer, or a view, takes longer than to
 * copy what a row has, and what is made for each row of a commit lives until the last was taken.
 */
export class ExactBuffers {
  private readonly buffers: (Buffer | undefined)[] = Array.from({ length: MAX_LENGTH + 1 })
  /** For all that are longer. */
  private shared = NO_BYTES

  /** What is in it is gone with the next call. */
  ofLength(length: number): Buffer {
    if (length > MAX_SHARED_LENGTH) return Buffer.allocUnsafeSlow(length)
    if (length > MAX_LENGTH) {
      if (this.shared.length < length) this.shared = Buffer.allocUnsafeSlow(Math.min(2 * length, MAX_SHARED_LENGTH))
      return this.shared.subarray(0, length)
    }
    let buffer = this.buffers[length]
    if (buffer === undefined) {
      buffer = Buffer.allocUnsafeSlow(length)
      this.buffers[length] = buffer
    }
    return buffer
  }

  /** Bytes [from, to). */
  holding(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const length = to - from
    if (length > MAX_LENGTH) return bytes.subarray(from, to)
    const buffer = this.ofLength(length)
    copyBytes(bytes, from, to, buffer, 0)
    return buffer
  }
}
