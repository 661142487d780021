import { ProtocolError } from '../protocol-error.ts'

/**
 * Reads fields off a frame. Every read is checked against the end: it throws `PROTOCOL_TRUNCATED`, never reads beyond.
 */
export class Reader {
  readonly #buffer: Buffer
  #position = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#buffer.length - this.#position
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return (this.#buffer[this.#take(1)]! << 24) >> 24
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4))
  }

  int64(): number {
    const start = this.#take(8)
    const value = this.#buffer.readInt32BE(start) * 0x1_0000_0000 + this.#buffer.readUInt32BE(start + 4)
    if (!Number.isSafeInteger(value)) {
      const exact = this.#buffer.readBigInt64BE(start)
      throw new ProtocolError('PROTOCOL_INT64_TOO_LARGE', `The int64 ${exact} at byte ${start} does not fit a number`, {
        details: { position: start, value: exact }
      })
    }
    return value
  }

  bigint64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8))
  }

  uuid(): string {
    const start = this.#take(16)
    return this.#buffer.toString('base64url', start, start + 16)
  }

  /** At most 32 bits. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer[this.#take(1)]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw new ProtocolError('PROTOCOL_MALFORMED', `The varint that ends at byte ${this.#position} exceeds 32 bits`, {
      details: { position: this.#position }
    })
  }

  /** A length in either form; -1 means null. */
  length(compact: boolean, legacyBytes: 2 | 4): number {
    if (compact) return this.unsignedVarint() - 1
    return legacyBytes === 2 ? this.int16() : this.int32()
  }

  string(length: number): string {
    const start = this.#take(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const start = this.#take(length)
    return this.#buffer.subarray(start, start + length)
  }

  skip(length: number): void {
    this.#take(length)
  }

  #take(length: number): number {
    const start = this.#position
    if (length < 0 || start + length > this.#buffer.length) {
      throw new ProtocolError(
        'PROTOCOL_TRUNCATED',
        `${length} bytes were expected at byte ${start}, but the frame ends at ${this.#buffer.length}`,
        { details: { position: start, expectedBytes: length, frameBytes: this.#buffer.length } }
      )
    }
    this.#position = start + length
    return start
  }
}
