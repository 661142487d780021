import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import { wrongLength } from './wrong-length.ts'

/**
 * A `number` as 64 bits of IEEE 754, big-endian. NaN and the infinities are kept.
 *
 * @throws StreamsError `RECORD_SERIALIZE_FAILED`, `RECORD_DESERIALIZE_FAILED`
 * @see Kafka Streams `Serdes#Double`
 * @example
 * ```ts
 * builder.stream('in', { key: string(), value: float64() }).to('out')
 * ```
 * ```text
 * in a:0.5@0 → out a:0.5@0
 * ```
 */
export function float64(): Serde<number> {
  return FLOAT64
}

const SCRATCH = new DataView(new ArrayBuffer(8))

const FLOAT64: Serde<number> = {
  name: 'float64',
  serialize: value => {
    if (typeof value !== 'number') {
      throw new StreamsError('RECORD_SERIALIZE_FAILED', `float64() writes numbers, not a ${typeof value}.`)
    }
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value, 0)
    return bytes
  },
  deserialize: bytes => read(bytes, 0, bytes.length),
  deserializeRange: read
}

function read(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 8) throw wrongLength('float64', 8, end - start)
  for (let i = 0; i < 8; i++) SCRATCH.setUint8(i, bytes[start + i] as number)
  return SCRATCH.getFloat64(0)
}
