/** Longer texts are made, and written, as fast by Node. */
const SHORT = 16

/** Bytes [start, end) as UTF-8; what is none is read as U+FFFD. */
export function utf8Of(buffer: Buffer, start: number, end: number): string {
  if (end - start > SHORT) return utf8Slice.call(buffer, start, end)
  let bits = 0
  for (let at = start; at < end; at++) bits |= buffer[at]!
  return bits < 0x80 ? shortText(buffer, start, end) : utf8Slice.call(buffer, start, end)
}

/** The same, of bytes that are known to be ASCII. */
export function asciiOf(buffer: Buffer, start: number, end: number): string {
  return end - start > SHORT ? latin1Slice.call(buffer, start, end) : shortText(buffer, start, end)
}

/** V8 makes a text of so many codes in 20 ns, without leaving JavaScript; a call of Node takes 50 for any. */
function shortText(b: Buffer, i: number, end: number): string {
  // biome-ignore format: a table
  switch (end - i) {
    case 1: return fromCodes(b[i]!)
    case 2: return fromCodes(b[i]!, b[i + 1]!)
    case 3: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!)
    case 4: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!)
    case 5: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!)
    case 6: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!)
    case 7: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!)
    case 8: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!)
    case 9: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!)
    case 10: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!)
    case 11: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!)
    case 12: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!)
    case 13: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!)
    case 14: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!)
    case 15: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!)
    case 16: return fromCodes(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!, b[i + 15]!)
    default: return ''
  }
}

/** Writes `text` as UTF-8 from `at` on and returns where it ends; gives bytes of its own where there may be no room. */
export function writeUtf8(text: string, buffer: Buffer, at: number): number | Buffer {
  const { length } = text
  // Without types it may be anything.
  if (typeof text !== 'string' || 3 * length > buffer.length - at) return Buffer.from(text, 'utf8')
  if (length > SHORT) return at + utf8Write.call(buffer, text, at)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return at + utf8Write.call(buffer, text, at)
    buffer[at + i] = code
  }
  return at + length
}

const fromCodes = String.fromCharCode

// The methods behind toString() and write(), without their tenth of a microsecond for finding out what is meant.
const { utf8Slice, latin1Slice, utf8Write } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string
  latin1Slice(this: Uint8Array, start: number, end: number): string
  utf8Write(this: Uint8Array, text: string, at: number): number
}
