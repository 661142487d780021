/**
 * Where the last `readVarint` or `readVarlong` ended. Module state instead of a returned pair, because these run
 * several times per record and must not allocate; both are synchronous, so nobody comes between.
 */
export let varintEnd = 0

/**
 * A zigzag varint of up to 32 bits. Beyond the buffer's end it reads zeros: callers check `varintEnd` against their
 * limit.
 */
export function readVarint(buffer: Uint8Array, start: number): number {
  let at = start
  let byte = buffer[at++]!
  let raw = byte & 0x7f
  for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
    byte = buffer[at++]!
    raw |= (byte & 0x7f) << shift
  }
  varintEnd = byte >= 0x80 ? Infinity : at
  return (raw >>> 1) ^ -(raw & 1)
}

/** A zigzag varint of up to 64 bits, exact up to 2^53. */
export function readVarlong(buffer: Uint8Array, start: number): number {
  let at = start
  let byte = buffer[at++]!
  let raw = byte & 0x7f
  for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
    byte = buffer[at++]!
    raw |= (byte & 0x7f) << shift
  }
  let factor = 2 ** 28
  for (; byte >= 0x80 && at - start < 10; factor *= 128) {
    byte = buffer[at++]!
    raw += (byte & 0x7f) * factor
  }
  varintEnd = byte >= 0x80 ? Infinity : at
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
}

/** Returns where it ended. The caller has made room for 5 bytes. */
export function writeVarint(buffer: Uint8Array, value: number, start: number): number {
  let at = start
  let raw = ((value << 1) ^ (value >> 31)) >>> 0
  while (raw > 0x7f) {
    buffer[at++] = (raw & 0x7f) | 0x80
    raw >>>= 7
  }
  buffer[at++] = raw
  return at
}

/** Returns where it ended. The caller has made room for 10 bytes. */
export function writeVarlong(buffer: Uint8Array, value: number, start: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeVarint(buffer, value, start)
  let at = start
  let raw = value < 0 ? -2 * value - 1 : 2 * value
  while (raw > 0x7f) {
    buffer[at++] = (raw % 128) | 0x80
    raw = Math.floor(raw / 128)
  }
  buffer[at++] = raw
  return at
}

export function varintBytes(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5
}

export function varlongBytes(value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return varintBytes(value)
  let bytes = 1
  for (let raw = value < 0 ? -2 * value - 1 : 2 * value; raw > 0x7f; raw = Math.floor(raw / 128)) bytes++
  return bytes
}
