import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'

/**
 * A UUID in its usual form of 36 characters; upper case is written and read as lower case.
 *
 * @throws StreamsError `RECORD_SERIALIZE_FAILED`, `RECORD_DESERIALIZE_FAILED` for text of another form
 * @see Kafka Streams `Serdes#UUID`, which writes the text too, not 16 bytes
 * @example
 * ```ts
 * builder.stream('in', { key: uuid(), value: string() }).to('out')
 * ```
 * ```text
 * in 6BA7B810-9DAD-11D1-80B4-00C04FD430C8:tea@0 → out 6ba7b810-9dad-11d1-80b4-00c04fd430c8:tea@0
 * ```
 */
export function uuid(): Serde<string> {
  return UUID
}

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const UUID: Serde<string> = {
  name: 'uuid',
  serialize: value => {
    if (!FORM.test(value)) throw new StreamsError('RECORD_SERIALIZE_FAILED', `'${String(value)}' is not a UUID.`)
    return Buffer.from(value.toLowerCase(), 'latin1')
  },
  deserialize: value => read(Buffer.from(value.buffer, value.byteOffset, value.byteLength), 0, value.byteLength),
  deserializeRange: read
}

function read(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString('latin1', start, end)
  if (!FORM.test(text)) {
    throw new StreamsError('RECORD_DESERIALIZE_FAILED', `${end - start} bytes are not the text of a UUID.`)
  }
  return text.toLowerCase()
}
