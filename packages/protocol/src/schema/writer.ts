/**
 * Byte strings from here on are not copied into the scratch buffer but spliced in at the end: once, whatever the
 * growth.
 */
const SPLICE_BYTES = 2048

/** Writes fields into a growing buffer. Callers have checked the ranges. */
export class Writer {
  #buffer = Buffer.allocUnsafeSlow(512)
  #position = 0
  #spliced: { readonly at: number; readonly bytes: Uint8Array }[] = []
  #splicedBytes = 0

  get sizeBytes(): number {
    return this.#position + this.#splicedBytes
  }

  reset(): void {
    this.#position = 0
    this.#spliced = []
    this.#splicedBytes = 0
  }

  int8(value: number): void {
    const start = this.#take(1)
    this.#buffer[start] = value
  }

  int16(value: number): void {
    const start = this.#take(2)
    this.#buffer.writeInt16BE(value, start)
  }

  int32(value: number): void {
    const start = this.#take(4)
    this.#buffer.writeInt32BE(value, start)
  }

  int64(value: number): void {
    const start = this.#take(8)
    this.#buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), start)
    this.#buffer.writeUInt32BE(value - Math.floor(value / 0x1_0000_0000) * 0x1_0000_0000, start + 4)
  }

  bigint64(value: bigint): void {
    const start = this.#take(8)
    this.#buffer.writeBigInt64BE(value, start)
  }

  uuid(value: string): void {
    const start = this.#take(16)
    this.#buffer.write(value, start, 16, 'base64url')
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.int8((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.int8(rest)
  }

  /** A length in either form; -1 means null. */
  length(length: number, compact: boolean, legacyBytes: 2 | 4): void {
    if (compact) this.unsignedVarint(length + 1)
    else if (legacyBytes === 2) this.int16(length)
    else this.int32(length)
  }

  string(value: string, lengthBytes: number): void {
    const start = this.#take(lengthBytes)
    this.#buffer.write(value, start, lengthBytes, 'utf8')
  }

  /** Large ones are kept by reference until `finish`: leave them alone until then. */
  bytes(value: Uint8Array): void {
    if (value.length >= SPLICE_BYTES) {
      this.#spliced.push({ at: this.#position, bytes: value })
      this.#splicedBytes += value.length
    } else {
      const start = this.#take(value.length)
      this.#buffer.set(value, start)
    }
  }

  /** What another writer has written. */
  append(other: Writer): void {
    this.bytes(other.finish())
  }

  /** Everything written, as a buffer of its own. */
  finish(): Buffer {
    const whole = Buffer.allocUnsafeSlow(this.sizeBytes)
    let from = 0
    let to = 0
    for (const { at, bytes } of this.#spliced) {
      to += this.#buffer.copy(whole, to, from, at)
      whole.set(bytes, to)
      to += bytes.length
      from = at
    }
    this.#buffer.copy(whole, to, from, this.#position)
    return whole
  }

  /** Everything written, in pieces: large byte strings are those that were given. Ends the use of this writer. */
  finishPieces(): Buffer[] {
    const pieces: Buffer[] = []
    let from = 0
    for (const { at, bytes } of this.#spliced) {
      if (at > from) pieces.push(this.#buffer.subarray(from, at))
      pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      from = at
    }
    if (this.#position > from) pieces.push(this.#buffer.subarray(from, this.#position))
    return pieces
  }

  #take(length: number): number {
    const start = this.#position
    const end = start + length
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, start)
      this.#buffer = larger
    }
    this.#position = end
    return start
  }
}
