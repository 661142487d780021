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

class StringSerde implements Serde<string> {
  // As fields: a spread takes these three, and not the fast paths, which would be taken instead of what replaces them.
  readonly name = 'string'
  readonly serialize = (value: string): Uint8Array => Buffer.from(value, 'utf8')
  readonly deserialize = (bytes: Uint8Array): string =>
    bytes instanceof Buffer
      ? utf8Of(bytes, 0, bytes.length)
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', 0, bytes.byteLength)

  serializeInto(value: string, buffer: Buffer, at: number): number | Uint8Array {
    return writeUtf8(value, buffer, at)
  }

  deserializeRange(buffer: Buffer, start: number, end: number): string {
    return utf8Of(buffer, start, end)
  }
}

const STRING = new StringSerde()
