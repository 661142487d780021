import { type Serde, StreamsError } from '@millrace/streams/core'
import { AvroCodec } from './avro-codec.ts'
import { type AvroOptions, checkAvroOptions } from './avro-options.ts'
import type { AvroSchema } from './avro-schema.ts'
import { messageOf } from './avro-type.ts'
import type { AvroValue, LongAs } from './avro-value.ts'

/**
 * Values of one fixed Avro schema, as its binary encoding and nothing else: for topics whose readers and writers agree on the
 * schema by themselves. Where it changes over time, `registryAvro` is what is needed.
 *
 * The type of the values follows from a schema that is written in place or `as const`; see `AvroValue`. One that is only known
 * at run time takes the type that its user vouches for: `avro<Order>(schema)`.
 *
 * @throws StreamsError `SCHEMA_INVALID`, `CONFIG_INVALID` at once; `RECORD_SERIALIZE_FAILED` for a value that does not fit, naming
 *   the field; `RECORD_DESERIALIZE_FAILED` for bytes that are not exactly one value, and a `long` beyond 2^53 without `bigint`
 * @see Apache Avro, "Binary Encoding"
 */
export function avro<const S extends AvroSchema, const L extends LongAs = 'number'>(
  schema: S,
  options?: AvroOptions<L>
): Serde<AvroValue<S, L>>
export function avro<T>(schema: unknown, options?: AvroOptions): Serde<T>
export function avro(schema: unknown, options: AvroOptions = {}): unknown {
  const long = checkAvroOptions('avro()', options)
  return new AvroSerde(new AvroCodec(schema as AvroSchema, { long }))
}

class AvroSerde implements Serde<unknown> {
  readonly name: string
  private readonly codec: AvroCodec

  constructor(codec: AvroCodec) {
    this.name = `avro(${codec.name})`
    this.codec = codec
  }

  serialize(value: unknown): Uint8Array {
    return this.codec.encode(value, 0)
  }

  deserialize(bytes: Uint8Array): unknown {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.deserializeRange(buffer, 0, buffer.length)
  }

  deserializeRange(buffer: Buffer, start: number, end: number): unknown {
    try {
      return this.codec.decode(buffer, start, end, undefined)
    } catch (cause) {
      throw new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `${end - start} bytes are no value of the schema '${this.codec.name}': ${messageOf(cause)}. ` +
          'Read the topic with the schema that it was written with.',
        { cause, details: { schema: this.codec.name } }
      )
    }
  }
}
