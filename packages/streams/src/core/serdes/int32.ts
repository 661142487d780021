import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import { wrongLength } from './wrong-length.ts'

/**
 * A signed integer of 32 bits, big-endian.
 *
 * @throws StreamsError `RECORD_SERIALIZE_FAILED`, `RECORD_DESERIALIZE_FAILED` for anything else, rather than rounding
 * @see Kafka Streams `Serdes#Integer`
 * @example
 * ```ts
 * builder.stream('in', { key: string(), value: int32() }).to('out')
 * ```
 * ```text
 * in a:2147483647@0 → out a:2147483647@0
 * ```
 */
export function int32(): Serde<number> {
  return INT32
}

const INT32: Serde<number> = {
  name: 'int32',
  serialize: value => {
    if ((value | 0) !== value) {
      throw new StreamsError('RECORD_SERIALIZE_FAILED', `${String(value)} is not an integer of 32 bits.`)
    }
    const bytes = Buffer.allocUnsafe(4)
    bytes[0] = value >>> 24
    bytes[1] = value >>> 16
    bytes[2] = value >>> 8
    bytes[3] = value
    return bytes
  },
  deserialize: bytes => read(bytes, 0, bytes.length),
  deserializeRange: read
}

function read(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 4) throw wrongLength('int32', 4, end - start)
  return (
    ((bytes[start] as number) << 24) |
    ((bytes[start + 1] as number) << 16) |
    ((bytes[start + 2] as number) << 8) |
    (bytes[start + 3] as number)
  )
}
