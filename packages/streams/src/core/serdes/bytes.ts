import type { Serde } from '../serde.ts'

/**
 * Bytes as they are. What is read is a copy, which its receiver may keep.
 *
 * @see Kafka Streams `Serdes#ByteArray`
 * @example
 * ```ts
 * builder
 *   .stream('in', { key: string(), value: string() })
 *   .mapValues(text => Uint8Array.from(text, letter => letter.charCodeAt(0)))
 *   .to('out', { value: bytes() })
 * ```
 * ```text
 * in a:tea@0 → out a:0x746561@0
 * ```
 */
export function bytes(): Serde<Uint8Array> {
  return BYTES
}

const BYTES: Serde<Uint8Array> = {
  name: 'bytes',
  serialize: value => value,
  deserialize: value => new Uint8Array(value),
  deserializeRange: (buffer, start, end) => new Uint8Array(buffer.subarray(start, end))
}
