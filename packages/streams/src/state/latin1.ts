/**
 * Byte strings as map keys: each byte becomes the character of the same code, so that JavaScript's string order and
 * equality are those of unsigned bytes. One-byte strings are compact and hash fast; a Buffer can be no map key.
 */
export function latin1Of(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length)
}

export function latin1OfRange(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end)
}

/** A call out of the engine takes longer than to write so many bytes one by one. */
const FEW_BYTES = 24

/** Writes each character as one byte. */
export function writeLatin1(bytes: Uint8Array, text: string, offset: number): void {
  const { length } = text
  if (length > FEW_BYTES) latin1Write.call(bytes, text, offset, length)
  else for (let i = 0; i < length; i++) bytes[offset + i] = text.charCodeAt(i)
}

export function latin1Bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

// The methods behind toString('latin1') and write(…, 'latin1'): they take any Uint8Array, without a Buffer around it.
const { latin1Slice, latin1Write } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number
}
