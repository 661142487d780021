import avsc from 'avsc'

const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** `long` as bigint: all 64 bits. avsc hands over its bytes, a zigzag varint, as they are. */
export const BIGINT_TYPE = avsc.types.LongType.__with(
  {
    fromBuffer: read,
    toBuffer: write,
    // Defaults of fields are numbers in JSON.
    fromJSON: (value: number | bigint) => BigInt(value),
    toJSON: (value: bigint) => value,
    isValid: (value: unknown) => typeof value === 'bigint' && value >= MIN && value <= MAX,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)
  },
  true
)

function read(bytes: Buffer): bigint {
  let low = 0
  let scale = 1
  let at = 0
  // Up to 49 bits fit into a number.
  for (; at < bytes.length && at < 7; at++) {
    low += ((bytes[at] as number) & 0x7f) * scale
    scale *= 128
  }
  let zigzag = BigInt(low)
  for (let shift = 49n; at < bytes.length; at++, shift += 7n) zigzag |= BigInt((bytes[at] as number) & 0x7f) << shift
  return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
}

function write(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes = Buffer.allocUnsafe(10)
  let at = 0
  while (rest > 0x7fn) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  bytes[at++] = Number(rest)
  return bytes.subarray(0, at)
}
