import { ProtocolError } from '../protocol-error.ts'
import type { AnyField, Fields, FieldType } from './field.ts'
import type { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** Encodes and decodes one field, or a whole message, in one version. Made once, from the declaration. */
export interface Codec {
  encode(writer: Writer, value: unknown): void
  decode(reader: Reader): unknown
  /** What the field is where absent; a fresh one each time, for callers may change it. */
  absent(): unknown
  /** Whether a tagged field may stay away. */
  isDefault(value: unknown): boolean
}

type Leaf = Pick<Codec, 'encode' | 'decode'> & { readonly zero: unknown }
type Struct = { readonly [name: string]: unknown }

/**
 * Prepares the codec of a list of fields for one version: fields that the version lacks are dropped here, not at every
 * record.
 *
 * @param path - Names the message in errors, for example `Fetch request v17`.
 */
export function compileStruct(fields: Fields, version: number, flexible: boolean, path: string): Codec {
  const all = Object.entries(fields)
  const codecs = all.map(([name, field]) => compileField(field, version, flexible, `${path}.${name}`))
  const present = all.map(([, { options }]) => version >= (options.from ?? 0) && version <= (options.to ?? Infinity))
  const names = all.map(([name]) => name)
  const plain = names.map((_, i) => i).filter(i => present[i] && all[i]![1].options.tag === undefined)
  const tagged = names
    .map((_, i) => i)
    .filter(i => flexible && present[i] && all[i]![1].options.tag !== undefined)
    .sort((a, b) => all[a]![1].options.tag! - all[b]![1].options.tag!)
  const tags = tagged.map(i => all[i]![1].options.tag!)
  const byTag = new Map(tags.map((tag, n) => [tag, tagged[n]!]))
  const isPlain = names.map((_, i) => plain.includes(i))
  const omittable = all.map(([, { options }]) => {
    return options.from !== undefined || options.to !== undefined || options.tag !== undefined || 'default' in options
  })

  function valueOf(value: Struct, i: number): unknown {
    const given = value[names[i]!]
    if (given !== undefined) return given
    if (!omittable[i]) throw invalid(`${path}.${names[i]}`, given, 'is missing')
    return codecs[i]!.absent()
  }

  function encodeTags(writer: Writer, value: Struct): void {
    const sent = tagged.filter(i => value[names[i]!] !== undefined && !codecs[i]!.isDefault(value[names[i]!]))
    writer.unsignedVarint(sent.length)
    for (const i of sent) {
      const inner = new Writer()
      codecs[i]!.encode(inner, value[names[i]!])
      writer.unsignedVarint(all[i]![1].options.tag!)
      writer.unsignedVarint(inner.sizeBytes)
      writer.append(inner)
    }
  }

  /** Unknown tags are skipped: a newer broker may send them. */
  function decodeTags(reader: Reader, out: Record<string, unknown>): void {
    for (let count = reader.unsignedVarint(); count > 0; count--) {
      const tag = reader.unsignedVarint()
      const size = reader.unsignedVarint()
      const i = byTag.get(tag)
      if (i === undefined) {
        reader.skip(size)
        continue
      }
      const end = reader.position + size
      out[names[i]!] = codecs[i]!.decode(reader)
      if (reader.position !== end) {
        throw new ProtocolError(
          'PROTOCOL_MALFORMED',
          `The tagged field ${path}.${names[i]} is not ${size} bytes long`,
          {
            details: { field: `${path}.${names[i]}`, sizeBytes: size }
          }
        )
      }
    }
  }

  return {
    encode(writer, value) {
      if (value === null || typeof value !== 'object') throw invalid(path, value, 'is no object')
      for (const i of plain) codecs[i]!.encode(writer, valueOf(value as Struct, i))
      if (flexible) encodeTags(writer, value as Struct)
    },
    decode(reader) {
      const out: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) {
        out[names[i]!] = isPlain[i] ? codecs[i]!.decode(reader) : codecs[i]!.absent()
      }
      if (flexible) decodeTags(reader, out)
      return out
    },
    absent() {
      const out: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) out[names[i]!] = codecs[i]!.absent()
      return out
    },
    isDefault(value) {
      return names.every((name, i) => {
        const given = (value as Struct)[name]
        return given === undefined || codecs[i]!.isDefault(given)
      })
    }
  }
}

function compileField(field: AnyField, version: number, flexible: boolean, path: string): Codec {
  const { options, type } = field
  const nullable = options.nullable === true || version >= (options.nullableFrom ?? Infinity)
  if (type === 'array') {
    const element = compileField(field.element!, version, flexible, path)
    return withDefault(options, () => [], compileArray(element, nullable, flexible, path))
  }
  if (type === 'struct') {
    const inner = compileStruct(field.fields!, version, flexible, path)
    return nullable ? compileNullableStruct(inner, options) : inner
  }
  const leaf = LEAVES[type](nullable, flexible, path)
  return withDefault(options, () => leaf.zero, leaf)
}

function withDefault(
  options: AnyField['options'],
  zero: () => unknown,
  codec: Pick<Codec, 'encode' | 'decode'>
): Codec {
  const absent = options.default === undefined ? zero : () => options.default
  return {
    encode: codec.encode,
    decode: codec.decode,
    absent,
    isDefault(value) {
      const usual = absent()
      if (Array.isArray(value) && Array.isArray(usual)) return value.length === 0
      if (value instanceof Uint8Array && usual instanceof Uint8Array) return value.length === 0
      return value === usual
    }
  }
}

function compileArray(
  element: Codec,
  nullable: boolean,
  flexible: boolean,
  path: string
): Pick<Codec, 'encode' | 'decode'> {
  return {
    encode(writer, value) {
      if (value === null && nullable) return writer.length(-1, flexible, 4)
      if (!Array.isArray(value)) throw invalid(path, value, nullable ? 'is no array' : 'is no array, which it must be')
      writer.length(value.length, flexible, 4)
      for (let i = 0; i < value.length; i++) element.encode(writer, value[i])
    },
    decode(reader) {
      const length = reader.length(flexible, 4)
      if (length < 0) return nullIfAllowed(length, nullable, path)
      // No element takes less than a byte, so a count beyond that is not worth beginning with.
      if (length > reader.remaining) throw truncated(path, length, reader)
      const out: unknown[] = []
      for (let i = 0; i < length; i++) out.push(element.decode(reader))
      return out
    }
  }
}

function compileNullableStruct(inner: Codec, options: AnyField['options']): Codec {
  return {
    encode(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) inner.encode(writer, value)
    },
    decode: reader => (reader.int8() < 0 ? null : inner.decode(reader)),
    absent: options.default === null ? () => null : inner.absent,
    isDefault: value => (value === null ? options.default === null : options.default !== null && inner.isDefault(value))
  }
}

type LeafType = Exclude<FieldType, 'array' | 'struct'>

const NO_BYTES = Buffer.alloc(0)
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

const LEAVES: { readonly [T in LeafType]: (nullable: boolean, flexible: boolean, path: string) => Leaf } = {
  bool: (_nullable, _flexible, path) => ({
    zero: false,
    encode: (writer, value) => {
      if (typeof value !== 'boolean') throw invalid(path, value, 'is no boolean')
      writer.int8(value ? 1 : 0)
    },
    decode: reader => reader.bool()
  }),
  int8: integer(-0x80, 0x7f, 'int8'),
  int16: integer(-0x8000, 0x7fff, 'int16'),
  int32: integer(-0x8000_0000, 0x7fff_ffff, 'int32'),
  int64: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'int64'),
  bigint64: (_nullable, _flexible, path) => ({
    zero: 0n,
    encode: (writer, value) => {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
        throw invalid(path, value, 'is no 64-bit bigint')
      writer.bigint64(value)
    },
    decode: reader => reader.bigint64()
  }),
  uuid: (_nullable, _flexible, path) => ({
    zero: ZERO_UUID,
    encode: (writer, value) => {
      if (typeof value !== 'string' || !/^[\w-]{22}$/.test(value))
        throw invalid(path, value, 'is no uuid of 22 characters')
      writer.uuid(value)
    },
    decode: reader => reader.uuid()
  }),
  string: (nullable, flexible, path) => ({
    zero: '',
    encode: (writer, value) => {
      if (value === null && nullable) return writer.length(-1, flexible, 2)
      if (typeof value !== 'string') throw invalid(path, value, 'is no string')
      const lengthBytes = Buffer.byteLength(value)
      if (lengthBytes > 0x7fff)
        throw invalid(path, `${value.slice(0, 20)}…`, `is ${lengthBytes} bytes long, more than 32,767`)
      writer.length(lengthBytes, flexible, 2)
      writer.string(value, lengthBytes)
    },
    decode: reader => {
      const length = reader.length(flexible, 2)
      return length < 0 ? nullIfAllowed(length, nullable, path) : reader.string(length)
    }
  }),
  bytes: byteString,
  records: (nullable, flexible, path) => {
    const whole = byteString(nullable, flexible, path)
    return {
      ...whole,
      encode: (writer, value) => {
        if (!Array.isArray(value)) return whole.encode(writer, value)
        const pieces = value as readonly Uint8Array[]
        let sizeBytes = 0
        for (const piece of pieces) sizeBytes += piece.length
        writer.length(sizeBytes, flexible, 4)
        for (const piece of pieces) writer.bytes(piece)
      }
    }
  }
}

function integer(min: number, max: number, type: 'int8' | 'int16' | 'int32' | 'int64') {
  return (_nullable: boolean, _flexible: boolean, path: string): Leaf => ({
    zero: 0,
    encode: (writer, value) => {
      if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
        throw invalid(path, value, `is no ${type}`)
      }
      writer[type](value as number)
    },
    decode: reader => reader[type]()
  })
}

function byteString(nullable: boolean, flexible: boolean, path: string): Leaf {
  return {
    zero: NO_BYTES,
    encode: (writer, value) => {
      if (value === null && nullable) return writer.length(-1, flexible, 4)
      if (!(value instanceof Uint8Array)) throw invalid(path, value, 'is no byte array')
      writer.length(value.length, flexible, 4)
      writer.bytes(value)
    },
    decode: reader => {
      const length = reader.length(flexible, 4)
      return length < 0 ? nullIfAllowed(length, nullable, path) : reader.bytes(length)
    }
  }
}

function nullIfAllowed(length: number, nullable: boolean, path: string): null {
  if (length === -1 && nullable) return null
  const what = length === -1 ? 'is null, which it may not be' : `has the length ${length}`
  throw new ProtocolError('PROTOCOL_MALFORMED', `${path} ${what}`, { details: { field: path, length } })
}

function truncated(path: string, length: number, reader: Reader): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_TRUNCATED',
    `${path} promises ${length} elements, but only ${reader.remaining} bytes follow`,
    { details: { field: path, length, remainingBytes: reader.remaining } }
  )
}

function invalid(path: string, value: unknown, what: string): ProtocolError {
  return new ProtocolError('PROTOCOL_INVALID_VALUE', `${path} ${what}: ${String(value)}`, {
    details: { field: path, value }
  })
}
