import { described, StreamsError } from '@millrace/streams/core'
import avsc, { type Type } from 'avsc'
import type { AvroSchema } from './avro-schema.ts'
import { type AvroTypeOptions, avroType, messageOf } from './avro-type.ts'

/** What reads the values of one writer's schema as those of the reader's. Made by avsc; opaque. */
export type Resolver = NonNullable<Parameters<Type['decode']>[2]>

/** Values are written side by side into pages of this size, which are never used again: no copy, few allocations. */
const PAGE_BYTES = 16 * 1024
/** Larger ones get bytes of their own, so that a value that is kept does not keep a page. */
const MAX_SHARED_BYTES = 2 * 1024

/** Reads and writes the values of one schema, in Avro's binary encoding. */
export class AvroCodec {
  readonly type: Type
  /** Of the schema: its full name, or its type. */
  readonly name: string
  readonly #options: AvroTypeOptions
  readonly #text: string
  private page = Buffer.allocUnsafeSlow(PAGE_BYTES)
  private at = 0

  constructor(schema: AvroSchema, options: AvroTypeOptions, references: readonly AvroSchema[] = []) {
    this.type = avroType(schema, options, references)
    this.name = this.type.name ?? this.type.typeName
    this.#options = options
    this.#text = JSON.stringify(schema)
  }

  /**
   * What reads bytes of a writer's schema; undefined when it is the reader's own.
   *
   * @throws StreamsError `SCHEMA_INVALID` for what is no schema, and avsc's error when it cannot be read as the reader's.
   */
  resolverOf(writer: AvroSchema, references: readonly AvroSchema[]): Resolver | undefined {
    if (JSON.stringify(writer) === this.#text) return undefined
    // As the specification says, names match without their namespaces.
    return this.type.createResolver(avroType(writer, this.#options, references), { ignoreNamespaces: true })
  }

  /**
   * @param headBytes - left free before the value, for the caller.
   * @throws StreamsError `RECORD_SERIALIZE_FAILED`, naming the part of the value that does not fit.
   */
  encode(value: unknown, headBytes: number): Buffer {
    if (PAGE_BYTES - this.at < MAX_SHARED_BYTES) {
      this.page = Buffer.allocUnsafeSlow(PAGE_BYTES)
      this.at = 0
    }
    const start = this.at
    const end = this.write(value, this.page, start + headBytes)
    if (end < 0) {
      const own = Buffer.allocUnsafeSlow(PAGE_BYTES - end - start)
      this.write(value, own, headBytes)
      return own
    }
    if (end - start > MAX_SHARED_BYTES) return Buffer.from(this.page.subarray(start, end))
    this.at = end
    return this.page.subarray(start, end)
  }

  /** Where the value ends; negative: how many bytes there are too few. */
  private write(value: unknown, target: Buffer, at: number): number {
    try {
      return this.type.encode(value, target, at)
    } catch (cause) {
      throw new StreamsError('RECORD_SERIALIZE_FAILED', this.#misfit(value, cause), {
        cause,
        details: { schema: this.name }
      })
    }
  }

  #misfit(value: unknown, cause: unknown): string {
    let found: string | undefined
    const errorHook = (path: readonly string[], part: unknown, type: Type) => {
      found ??= `${path.length === 0 ? 'the value' : `'${path.join('.')}'`} is ${described(part)}, which is no ${nameOf(type)}`
    }
    this.type.isValid(value, { errorHook: errorHook as never })
    return `A value does not fit the schema '${this.name}': ${found ?? messageOf(cause)}.`
  }

  /** @throws Error when the bytes in [start, end) are not exactly one value. */
  decode(buffer: Buffer, start: number, end: number, resolver: Resolver | undefined): unknown {
    const { value, offset } = this.type.decode(buffer, start, resolver)
    if (offset === end) return value
    const length = end - start
    if (offset >= 0 && offset < end) throw new Error(`${end - offset} of ${length} bytes are left over`)
    throw new Error(`${length} bytes end before the value does`)
  }
}

function nameOf(type: Type): string {
  if (type.name !== undefined) return `${type.typeName} '${type.name}'`
  if (avsc.Type.isType(type, 'union')) {
    return (type as unknown as { types: readonly Type[] }).types.map(nameOf).join(' or ')
  }
  if (type.typeName === 'long') return "long that a number holds exactly (see the option 'long')"
  return type.typeName.replace(/^(logical|abstract):/, '')
}
