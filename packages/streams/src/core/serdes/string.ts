import type { Serde } from '../serde.ts'
import { utf8Of, writeUtf8 } from './utf8.ts'

/**
 * Text as UTF-8. Bytes that are not UTF-8 are read as U+FFFD, as Java's `StringDeserializer` does.
 *
 * @see Kafka Streams `Serdes#String`
 * @example
 * ```ts
 * builder.stream('in', { key: string(), value: string() }).to('out')
 * ```
 * ```text
 * in a:tea@0 → out a:tea@0
 * ```
 */
export function string(): Serde<string> {
  return STRING
}

const STRING: Serde<string> = {
  name: 'string',
  serialize: value => Buffer.from(value, 'utf8'),
  serializeInto: writeUtf8,
  deserialize: bytes =>
    bytes instanceof Buffer
      ? utf8Of(bytes, 0, bytes.length)
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', 0, bytes.byteLength),
  deserializeRange: utf8Of
}
