import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import { wrongLength } from './wrong-length.ts'

/**
 * A signed integer of 64 bits, big-endian, as a `number`: only integers within ±(2^53 - 1) can be written or read,
 * since a `number` holds no others exactly. Counts use it.
 *
 * @throws StreamsError `RECORD_SERIALIZE_FAILED`, `RECORD_DESERIALIZE_FAILED` for anything else, rather than rounding
 * @see Kafka Streams `Serdes#Long`
 * @example
 * ```ts
 * builder
 *   .stream('in', { key: string(), value: int64() })
 *   .mapValues(bytes => bytes / 1024)
 *   .to('kib', { value: float64() })
 * ```
 * ```text
 * in a:1536@0 → kib a:1.5@0
 * ```
 */
export function int64(): Serde<number> {
  return INT64
}

const INT64: Serde<number> = {
  name: 'int64',
  serialize: value => {
    const bytes = Buffer.allocUnsafe(8)
    writeInt64(bytes, 0, value)
    return bytes
  },
  deserialize: bytes => read(bytes, 0, bytes.length),
  deserializeRange: read
}

const TWO_32 = 0x1_0000_0000

/** Writes 8 bytes at `offset`. */
export function writeInt64(bytes: Uint8Array, offset: number, value: number): void {
  if (!Number.isSafeInteger(value)) {
    throw new StreamsError(
      'RECORD_SERIALIZE_FAILED',
      `${String(value)} is not an integer within 2^53. Use float64(), or text, for such numbers.`
    )
  }
  const high = Math.floor(value / TWO_32)
  bytes[offset] = high >>> 24
  bytes[offset + 1] = high >>> 16
  bytes[offset + 2] = high >>> 8
  bytes[offset + 3] = high
  bytes[offset + 4] = value >>> 24
  bytes[offset + 5] = value >>> 16
  bytes[offset + 6] = value >>> 8
  bytes[offset + 7] = value
}

/** Reads the 8 bytes at `offset`. */
export function readInt64(bytes: Uint8Array, offset: number): number {
  const value = int32At(bytes, offset) * TWO_32 + (int32At(bytes, offset + 4) >>> 0)
  if (!Number.isSafeInteger(value)) {
    throw new StreamsError(
      'RECORD_DESERIALIZE_FAILED',
      `An int64 of about ${value} is beyond 2^53, where a number is no longer exact. Read it with bytes().`
    )
  }
  return value
}

function read(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 8) throw wrongLength('int64', 8, end - start)
  return readInt64(bytes, start)
}

function int32At(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  )
}
