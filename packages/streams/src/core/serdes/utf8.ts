/** Bytes [start, end) as UTF-8; what is none is read as U+FFFD. */
export function utf8Of(buffer: Buffer, start: number, end: number): string {
  return utf8Slice.call(buffer, start, end)
}

/** The same, of bytes that are known to be ASCII. */
export function asciiOf(buffer: Buffer, start: number, end: number): string {
  return latin1Slice.call(buffer, start, end)
}

// The methods behind toString(), without its tenth of a microsecond for finding out what is meant.
const { utf8Slice, latin1Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string
  latin1Slice(this: Uint8Array, start: number, end: number): string
}
