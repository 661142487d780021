import { flexibleResponse } from './message-header.ts'
import { ProtocolError } from './protocol-error.ts'
import type {
  Api,
  DataFormat,
  DataFormatOf,
  DecodedRequestOf,
  RequestOf,
  ResponseInputOf,
  ResponseOf
} from './schema/api.ts'
import { type Codec, compileStruct } from './schema/compile.ts'
import type { Fields, InputOf, OutputOf } from './schema/field.ts'
import { Reader } from './schema/reader.ts'
import { Writer } from './schema/writer.ts'

/**
 * Encodes the body of a request, without its header. Fields that `version` lacks are ignored.
 *
 * @throws ProtocolError `PROTOCOL_INVALID_VALUE` naming the field.
 */
export function encodeRequest<A extends Api>(api: A, version: number, body: RequestOf<A>): Buffer {
  return encode(codecOf(api, 'request', version), body)
}

/**
 * Decodes the body of a request. Byte fields are views into `buffer`. Bytes behind it are ignored, as by Kafka:
 * librdkafka's Metadata request for all topics has three.
 *
 * @throws ProtocolError `PROTOCOL_TRUNCATED`, `PROTOCOL_MALFORMED`, `PROTOCOL_INT64_TOO_LARGE`
 */
export function decodeRequest<A extends Api>(api: A, version: number, buffer: Buffer): DecodedRequestOf<A> {
  return codecOf(api, 'request', version).decode(new Reader(buffer)) as DecodedRequestOf<A>
}

/**
 * Encodes the body of a response, without its header. Fields that `version` lacks are ignored.
 *
 * @throws ProtocolError `PROTOCOL_INVALID_VALUE` naming the field.
 */
export function encodeResponse<A extends Api>(api: A, version: number, body: ResponseInputOf<A>): Buffer {
  return encode(codecOf(api, 'response', version), body)
}

/**
 * Encodes a whole response: its size, its header and its body. It comes in pieces, so that large byte fields, `records`
 * among them, are not copied: leave them alone until the pieces are sent.
 *
 * @throws ProtocolError `PROTOCOL_INVALID_VALUE` naming the field.
 */
export function encodeResponseFrame<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseInputOf<A>
): Buffer[] {
  const codec = codecOf(api, 'response', version)
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (flexibleResponse(api, version)) writer.unsignedVarint(0)
  codec.encode(writer, body)
  const pieces = writer.finishPieces()
  pieces[0]?.writeInt32BE(writer.sizeBytes - SIZE_BYTES, 0)
  return pieces
}

/**
 * Decodes the body of a response, all of `buffer`. Byte fields, `records` among them, are views into it. Fields that
 * `version` lacks hold their defaults.
 *
 * @throws ProtocolError `PROTOCOL_TRUNCATED`, `PROTOCOL_MALFORMED`, `PROTOCOL_INT64_TOO_LARGE`
 */
export function decodeResponse<A extends Api>(api: A, version: number, buffer: Buffer): ResponseOf<A> {
  const reader = new Reader(buffer)
  const decoded = codecOf(api, 'response', version).decode(reader) as ResponseOf<A>
  if (reader.remaining > 0) {
    throw new ProtocolError(
      'PROTOCOL_MALFORMED',
      `${api.name} response v${version} ends at byte ${reader.position}, but the frame has ${buffer.length}`,
      {
        details: { position: reader.position, frameBytes: buffer.length }
      }
    )
  }
  return decoded
}

/** Encodes a versioned structure with its version in front, as `ConsumerProtocolSubscription` travels in JoinGroup. */
export function encodeData<F extends Fields>(format: DataFormatOf<F>, version: number, value: InputOf<F>): Buffer {
  const writer = new Writer()
  writer.int16(version)
  dataCodecOf(format, version).encode(writer, value)
  return writer.finish()
}

/**
 * Decodes a versioned structure. One of a newer version is read as the newest we know: such versions only append.
 *
 * @throws ProtocolError `PROTOCOL_TRUNCATED`, `PROTOCOL_MALFORMED`
 */
export function decodeData<F extends Fields>(
  format: DataFormatOf<F>,
  buffer: Buffer
): OutputOf<F> & { version: number } {
  const reader = new Reader(buffer)
  const version = reader.int16()
  const decoded = dataCodecOf(format, Math.min(version, format.maxVersion)).decode(reader) as OutputOf<F>
  return Object.assign(decoded, { version })
}

const SIZE_BYTES = 4

type Side = 'request' | 'response'

const codecs = new WeakMap<Fields, Codec[]>()

function codecOf(api: Api, side: Side, version: number): Codec {
  return compiled(api[side], version, api, side)
}

function dataCodecOf(format: DataFormat, version: number): Codec {
  return compiled(format.fields, version, format, 'data')
}

function compiled(fields: Fields, version: number, owner: Omit<DataFormat, 'fields'>, side: string): Codec {
  let versions = codecs.get(fields)
  if (versions === undefined) {
    versions = []
    codecs.set(fields, versions)
  }
  let codec = versions[version]
  if (codec === undefined) {
    if (!(version >= owner.minVersion && version <= owner.maxVersion)) {
      throw new ProtocolError(
        'PROTOCOL_INVALID_VALUE',
        `${owner.name} is spoken from version ${owner.minVersion} to ${owner.maxVersion}, not in ${version}`,
        { details: { api: owner.name, version } }
      )
    }
    codec = compileStruct(fields, version, version >= owner.flexibleFrom, `${owner.name} ${side} v${version}`)
    versions[version] = codec
  }
  return codec
}

function encode(codec: Codec, body: unknown): Buffer {
  const writer = new Writer()
  codec.encode(writer, body)
  return writer.finish()
}
