const SEED = 104_729
const C1_HIGH = 0x87c37b91
const C1_LOW = 0x114253d5
const C2_HIGH = 0x4cf5ad43
const C2_LOW = 0x2745937f

/** The 64 bits in work, in two halves: JavaScript has no fast 64-bit integers, and objects for them would cost more. */
let high = 0
let low = 0

/**
 * The 128-bit hash (x64 variant) by which a foreign-key join recognises a row's value, as 16 bytes.
 *
 * @see Kafka Streams `Murmur3#hash128`
 */
export function murmur3(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  let h1High = 0
  let h1Low = SEED
  let h2High = 0
  let h2Low = SEED
  const whole = length & ~15
  for (let at = 0; at < whole; at += 16) {
    low = fourBytes(bytes, at)
    high = fourBytes(bytes, at + 4)
    mixFirst()
    high ^= h1High
    low ^= h1Low
    rotateLeft(27)
    add(h2High, h2Low)
    multiply(0, 5)
    add(0, 0x52dce729)
    h1High = high
    h1Low = low

    low = fourBytes(bytes, at + 8)
    high = fourBytes(bytes, at + 12)
    mixSecond()
    high ^= h2High
    low ^= h2Low
    rotateLeft(31)
    add(h1High, h1Low)
    multiply(0, 5)
    add(0, 0x38495ab5)
    h2High = high
    h2Low = low
  }

  const rest = length & 15
  if (rest > 8) {
    low = fourBytes(bytes, whole + 8)
    high = fourBytes(bytes, whole + 12)
    mixSecond()
    h2High ^= high
    h2Low ^= low
  }
  if (rest > 0) {
    low = fourBytes(bytes, whole)
    high = fourBytes(bytes, whole + 4)
    mixFirst()
    h1High ^= high
    h1Low ^= low
  }

  h1Low ^= length
  h2Low ^= length
  high = h1High
  low = h1Low
  add(h2High, h2Low)
  h1High = high
  h1Low = low
  add(h2High, h2Low)
  finish()
  h2High = high
  h2Low = low
  high = h1High
  low = h1Low
  finish()
  add(h2High, h2Low)
  const hash = Buffer.allocUnsafeSlow(16)
  hash.writeInt32BE(high, 0)
  hash.writeInt32BE(low, 4)
  add(h2High, h2Low)
  hash.writeInt32BE(high, 8)
  hash.writeInt32BE(low, 12)
  return hash
}

/** Little-endian; bytes past the end count as 0. */
function fourBytes(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
}

function mixFirst(): void {
  multiply(C1_HIGH, C1_LOW)
  rotateLeft(31)
  multiply(C2_HIGH, C2_LOW)
}

function mixSecond(): void {
  multiply(C2_HIGH, C2_LOW)
  rotateLeft(33)
  multiply(C1_HIGH, C1_LOW)
}

function finish(): void {
  low ^= high >>> 1
  multiply(0xff51afd7, 0xed558ccd)
  low ^= high >>> 1
  multiply(0xc4ceb9fe, 0x1a85ec53)
  low ^= high >>> 1
}

function add(otherHigh: number, otherLow: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0)
  high = (high + otherHigh + (sum > 0xffffffff ? 1 : 0)) | 0
  low = sum | 0
}

/** By 1 to 63 bits, except 32. */
function rotateLeft(bits: number): void {
  const a = bits < 32 ? high : low
  const b = bits < 32 ? low : high
  const by = bits & 31
  high = (a << by) | (b >>> (32 - by))
  low = (b << by) | (a >>> (32 - by))
}

/** Modulo 2^64, in halves of halves: a product of 16-bit numbers is exact. */
function multiply(otherHigh: number, otherLow: number): void {
  const a0 = low & 0xffff
  const a1 = low >>> 16
  const b0 = otherLow & 0xffff
  const b1 = otherLow >>> 16
  const p00 = Math.imul(a0, b0) >>> 0
  const p01 = Math.imul(a0, b1) >>> 0
  const p10 = Math.imul(a1, b0) >>> 0
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff)
  const carried = (Math.imul(a1, b1) >>> 0) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16)
  high = (carried + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) | 0
  low = (middle << 16) | (p00 & 0xffff)
}
