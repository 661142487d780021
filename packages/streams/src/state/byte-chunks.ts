const CHUNK_BYTES = 4096
/** What is longer gets a buffer of its own. */
export const MAX_SHARED_BYTES = CHUNK_BYTES / 4
/** A call out of the engine takes longer than to copy so many bytes one by one. */
const FEW_BYTES = 24

/**
 * Room for short runs of bytes that stay in memory. They lie in larger buffers, and whoever holds one holds its buffer and where in it
 * it lies: a view would take more than the bytes do. What is longer than a quarter of a buffer gets one of its own.
 */
export class ByteChunks {
  /** In which the last run taken lies. */
  chunk: Buffer = Buffer.alloc(0)
  /** From where on. */
  start = 0
  private shared = this.chunk
  private sharedEnd = 0

  /** Copies bytes [from, to); returns from where in `chunk` they are. */
  add(bytes: Uint8Array, from = 0, to = bytes.length): number {
    const start = this.take(to - from)
    copyBytes(bytes, from, to, this.chunk, start)
    return start
  }

  /** Returns from where in `chunk` there are so many bytes. */
  take(length: number): number {
    if (length > MAX_SHARED_BYTES) {
      this.chunk = Buffer.allocUnsafeSlow(length)
      this.start = 0
      return 0
    }
    let start = this.sharedEnd
    if (start + length > this.shared.length) {
      this.shared = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      start = 0
    }
    this.sharedEnd = start + length
    this.chunk = this.shared
    this.start = start
    return start
  }
}

export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > FEW_BYTES) copyBuffer.call(source, target, at, from, to)
  else for (let i = from; i < to; i++) target[at + i - from] = source[i] as number
}

// Takes any Uint8Array, and needs no view of the part.
const copyBuffer = Buffer.prototype.copy as (
  this: Uint8Array,
  target: Uint8Array,
  at: number,
  from: number,
  to: number
) => number
