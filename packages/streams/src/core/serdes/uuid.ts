import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'

/**
 * A UUID in its usual form of 36 characters; upper case is written and read as lower case.
 *
 * @see Kafka `UUIDSerializer`, which writes the text too, not 16 bytes
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
