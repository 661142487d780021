/** A non-negative safe integer as 8 bytes, big-endian, in latin1: such texts sort as the numbers do. */
export function integerText(value: number): string {
  const high = Math.floor(value / 0x1_0000_0000)
  const low = value >>> 0
  return String.fromCharCode(
    (high >>> 24) & 0xff,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff
  )
}

/** Both, one behind the other; in one piece, which a text of more than 12 characters that is joined would not be. */
export function integersText(first: number, second: number): string {
  const high = Math.floor(first / 0x1_0000_0000)
  const low = first >>> 0
  const high2 = Math.floor(second / 0x1_0000_0000)
  const low2 = second >>> 0
  return String.fromCharCode(
    (high >>> 24) & 0xff,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
    (high2 >>> 24) & 0xff,
    (high2 >>> 16) & 0xff,
    (high2 >>> 8) & 0xff,
    high2 & 0xff,
    low2 >>> 24,
    (low2 >>> 16) & 0xff,
    (low2 >>> 8) & 0xff,
    low2 & 0xff
  )
}

export function integerIn(text: string, at: number): number {
  const high =
    (text.charCodeAt(at) << 24) |
    (text.charCodeAt(at + 1) << 16) |
    (text.charCodeAt(at + 2) << 8) |
    text.charCodeAt(at + 3)
  const low =
    (text.charCodeAt(at + 4) << 24) |
    (text.charCodeAt(at + 5) << 16) |
    (text.charCodeAt(at + 6) << 8) |
    text.charCodeAt(at + 7)
  return high * 0x1_0000_0000 + (low >>> 0)
}
