import type { Serde } from '../serde.ts'

/**
 * Bytes as they are. What is read is a copy, which its receiver may keep.
 *
 * @see Kafka `ByteArraySerializer`, `ByteArrayDeserializer`
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
