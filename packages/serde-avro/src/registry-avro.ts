import {
  checkOptions,
  isStreamsError,
  type Serde,
  type SerdeContext,
  type SerdeUse,
  serdeNotReady,
  StreamsError
} from '@millrace/streams/core'
import { AvroCodec, type Resolver } from './avro-codec.ts'
import { AVRO_OPTIONS, type AvroOptions, longOf } from './avro-options.ts'
import type { AvroSchema } from './avro-schema.ts'
import { messageOf } from './avro-type.ts'
import type { AvroValue, LongAs } from './avro-value.ts'
import { REGISTRY_OPTIONS, type RegistryOptions } from './registry-options.ts'
import { type RegisteredSchema, type SchemaRegistry, schemaRegistry } from './schema-registry.ts'
import { needsRecordName, type SubjectFunction, type SubjectStrategy, subjectFunction } from './subject-strategy.ts'

interface RegistryAvroOwnOptions<S, L extends LongAs> extends AvroOptions<L> {
  /**
   * What values are written with and read as, whatever schema they were written with. Without it values are read as they were
   * written, and none can be written.
   */
  readonly schema?: S | undefined
  /** Default `TopicName`. */
  readonly subjectStrategy?: SubjectStrategy | undefined
  /** Registers the schema under each subject that is written to; else it has to be there. Default true, as Confluent's serializer. */
  readonly autoRegister?: boolean | undefined
}

/** The registry is given by its address and so on, or as one that is shared. */
export type RegistryAvroOptions<S = AvroSchema, L extends LongAs = LongAs> = RegistryAvroOwnOptions<S, L> &
  (
    | (RegistryOptions & { readonly registry?: undefined })
    | { readonly registry: SchemaRegistry; readonly url?: undefined }
  )

const MAGIC = 0
const HEAD_BYTES = 5

/**
 * Values of Avro in Confluent's wire format: a zero byte, the id of the writer's schema in 4 bytes, big-endian, the value in Avro's
 * binary encoding. The schema of each id is fetched once; values are read as those of `schema`: fields that were added take
 * their defaults, removed ones are skipped, types are promoted, aliases followed. A state store keeps its values across such a
 * change.
 *
 * Nothing is asked of the registry while a record is processed. Schemas are registered, and all versions of the subjects learnt, when
 * a task is taken over. A record of another schema waits at its source until that is fetched; where the name of a topic is computed,
 * the first record waits until the schema is registered there, and its task with it. While the registry is away such records wait,
 * others go on.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`, `SCHEMA_INVALID` at once; before the first record
 *   `SCHEMA_INCOMPATIBLE`, `SCHEMA_NOT_FOUND`, `REGISTRY_REFUSED`, `REGISTRY_UNAVAILABLE`; for a record `RECORD_DESERIALIZE_FAILED`
 *   (another magic byte, an id that the registry does not know, a schema that cannot be read as this one, bytes that are no
 *   value) and `RECORD_SERIALIZE_FAILED`, naming the field
 * @see Confluent `KafkaAvroSerializer`, `KafkaAvroDeserializer`
 */
export function registryAvro<const S extends AvroSchema, const L extends LongAs = 'number'>(
  options: RegistryAvroOptions<S, L> & { readonly schema: S }
): Serde<AvroValue<S, L>>
export function registryAvro<T>(options: RegistryAvroOptions<unknown>): Serde<T>
export function registryAvro(options: RegistryAvroOptions<unknown>): unknown {
  checkOptions('registryAvro()', options, [...OWN_OPTIONS, ...REGISTRY_OPTIONS])
  const { subjectStrategy = 'TopicName', autoRegister = true } = options
  const schema = options.schema as AvroSchema | undefined
  if (typeof autoRegister !== 'boolean') {
    throw new StreamsError(
      'CONFIG_INVALID',
      `registryAvro() takes true or false as autoRegister, not ${String(autoRegister)}.`
    )
  }
  const long = longOf('registryAvro()', options)
  const subjectOf = subjectFunction(subjectStrategy)
  const codec = schema === undefined ? undefined : new AvroCodec(schema, { long })
  if (
    subjectStrategy !== 'TopicName' &&
    typeof subjectStrategy === 'string' &&
    codec !== undefined &&
    codec.type.name === undefined
  ) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `The subjectStrategy '${subjectStrategy}' needs a schema with a name, not '${codec.name}'. Choose 'TopicName'.`
    )
  }
  const registry = registryOf(options)
  const knowsSubject = codec !== undefined || !needsRecordName(subjectStrategy)
  return new RegistryAvroSerde({ registry, schema, codec, long, subjectOf, knowsSubject, autoRegister })
}

const OWN_OPTIONS = [...AVRO_OPTIONS, 'schema', 'subjectStrategy', 'autoRegister', 'registry']

function registryOf(options: RegistryAvroOptions<unknown>): SchemaRegistry {
  if (options.registry !== undefined) {
    const others = REGISTRY_OPTIONS.filter(name => (options as unknown as Record<string, unknown>)[name] !== undefined)
    if (others.length === 0) return options.registry
    throw new StreamsError(
      'CONFIG_INVALID',
      `registryAvro() takes a registry or ${others.map(name => `'${name}'`).join(', ')}, not both. Give the latter to schemaRegistry().`
    )
  }
  const given = Object.entries(options).filter(([name]) => REGISTRY_OPTIONS.includes(name))
  return schemaRegistry(Object.fromEntries(given) as unknown as RegistryOptions)
}

interface RegistryAvroParts {
  readonly registry: SchemaRegistry
  readonly schema: AvroSchema | undefined
  readonly codec: AvroCodec | undefined
  readonly long: LongAs
  readonly subjectOf: SubjectFunction
  /** Subjects can be told before a record is seen. */
  readonly knowsSubject: boolean
  readonly autoRegister: boolean
}

/** How the values of one writer's schema are read. */
interface Reader {
  readonly codec: AvroCodec
  readonly resolver: Resolver | undefined
}

/** Why they cannot be read. */
class Unreadable {
  readonly why: string
  readonly cause: unknown

  constructor(why: string, cause: unknown) {
    this.why = why
    this.cause = cause
  }
}

class RegistryAvroSerde implements Serde<unknown> {
  readonly name: string
  readonly #parts: RegistryAvroParts
  private readonly codec: AvroCodec | undefined
  /** What each id is read with, or why it cannot be. */
  readonly #readers = new Map<number, Reader | Unreadable>()
  private lastId = -1
  private lastReader: Reader | undefined
  /** By topic: what to write, or why it cannot be known. */
  readonly #keyIds = new Map<string, number | StreamsError>()
  readonly #valueIds = new Map<string, number | StreamsError>()
  private lastContext: SerdeContext | undefined
  private lastWriteId = -1

  constructor(parts: RegistryAvroParts) {
    this.name = `registry-avro(${parts.codec?.name ?? ''})`
    this.#parts = parts
    this.codec = parts.codec
  }

  async prepare({ topic, isKey }: SerdeContext, use: SerdeUse): Promise<void> {
    const { registry, knowsSubject } = this.#parts
    if (use !== 'read') await this.#prepareWrite(topic, isKey)
    if (use !== 'write' && knowsSubject) await registry.loadVersions(this.#subject(topic, isKey))
  }

  serialize(value: unknown, context: SerdeContext): Uint8Array {
    const id = context === this.lastContext ? this.lastWriteId : this.#writeId(context)
    const bytes = (this.codec as AvroCodec).encode(value, HEAD_BYTES)
    bytes[0] = MAGIC
    bytes[1] = id >>> 24
    bytes[2] = id >>> 16
    bytes[3] = id >>> 8
    bytes[4] = id
    return bytes
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): unknown {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.deserializeRange(buffer, 0, buffer.length, context)
  }

  deserializeRange(buffer: Buffer, start: number, end: number, context: SerdeContext): unknown {
    if (end - start < HEAD_BYTES || buffer[start] !== MAGIC) throw this.#noHead(buffer, start, end, context)
    const id =
      ((buffer[start + 1] as number) << 24) |
      ((buffer[start + 2] as number) << 16) |
      ((buffer[start + 3] as number) << 8) |
      (buffer[start + 4] as number)
    const reader = id === this.lastId ? (this.lastReader as Reader) : this.#reader(id, context)
    try {
      return reader.codec.decode(buffer, start + HEAD_BYTES, end, reader.resolver)
    } catch (cause) {
      throw this.#unreadable(`after the id ${id}: ${messageOf(cause)}`, context, id, cause)
    }
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #subject(topic: string, isKey: boolean): string {
    const subject: unknown = this.#parts.subjectOf(topic, isKey, this.codec?.name ?? '')
    if (typeof subject === 'string' && subject !== '') return subject
    throw new StreamsError(
      'CONFIG_INVALID',
      `The subjectStrategy of registryAvro() returned ${String(subject)} for the ${isKey ? 'keys' : 'values'} of '${topic}'. Return a name.`,
      { details: { topic, isKey } }
    )
  }

  #writeId(context: SerdeContext): number {
    const { topic, isKey } = context
    const known = (isKey ? this.#keyIds : this.#valueIds).get(topic)
    if (typeof known === 'number') {
      this.lastContext = context
      this.lastWriteId = known
      return known
    }
    // Trying again would not help: somebody has to do something.
    if (known !== undefined && known.action === 'stop') throw known
    const why = known === undefined ? '' : ` The last try failed: ${messageOf(known)}.`
    throw serdeNotReady(
      `The schema '${this.codec?.name ?? ''}' has no id for the ${isKey ? 'keys' : 'values'} of '${topic}' yet; ` +
        `the registry at ${this.#parts.registry.address} is asked.${why}`,
      this.#prepareWrite(topic, isKey),
      { topic }
    )
  }

  async #prepareWrite(topic: string, isKey: boolean): Promise<void> {
    const { registry, schema, autoRegister } = this.#parts
    const ids = isKey ? this.#keyIds : this.#valueIds
    try {
      if (schema === undefined) {
        throw new StreamsError(
          'CONFIG_INVALID',
          `registryAvro() without a schema only reads, and is to write the ${isKey ? 'keys' : 'values'} of '${topic}'. Give it a schema.`,
          { details: { topic } }
        )
      }
      ids.set(topic, await registry.idOf(this.#subject(topic, isKey), schema, autoRegister))
    } catch (error) {
      if (isStreamsError(error) && typeof ids.get(topic) !== 'number') ids.set(topic, error)
      throw error
    }
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #reader(id: number, context: SerdeContext): Reader {
    let reader = this.#readers.get(id)
    if (reader === undefined) {
      reader = this.#makeReader(id, context)
      this.#readers.set(id, reader)
    }
    if (reader instanceof Unreadable) throw this.#unreadable(reader.why, context, id, reader.cause)
    this.lastId = id
    this.lastReader = reader
    return reader
  }

  #makeReader(id: number, context: SerdeContext): Reader | Unreadable {
    const { registry, long } = this.#parts
    const registered = this.#known(id, context)
    if (registered === undefined) {
      const failure = registry.failureOf(id)
      throw serdeNotReady(
        `Schema ${id} of '${context.topic}' is fetched from the registry at ${registry.address}.` +
          (failure === undefined ? '' : ` The last try failed: ${failure}.`),
        registry.fetch(id),
        { id, topic: context.topic }
      )
    }
    const { schema, references } = registered
    try {
      if (this.codec === undefined) return { codec: new AvroCodec(schema, { long }, references), resolver: undefined }
      return { codec: this.codec, resolver: this.codec.resolverOf(schema, references) }
    } catch (cause) {
      const readAs = this.codec === undefined ? '' : ` as '${this.codec.name}'`
      return new Unreadable(`of schema ${id}, which cannot be read${readAs}: ${messageOf(cause)}`, cause)
    }
  }

  #known(id: number, context: SerdeContext): RegisteredSchema | undefined {
    try {
      return this.#parts.registry.known(id)
    } catch (cause) {
      throw this.#unreadable(`of schema ${id}: ${messageOf(cause)}`, context, id, cause)
    }
  }

  #unreadable(what: string, { topic, isKey }: SerdeContext, id: number, cause: unknown): StreamsError {
    const { registry, knowsSubject } = this.#parts
    const subject = knowsSubject ? this.#subject(topic, isKey) : undefined
    const where = subject === undefined ? '' : `subject '${subject}', `
    return new StreamsError(
      'RECORD_DESERIALIZE_FAILED',
      `A ${isKey ? 'key' : 'value'} of '${topic}' is no value ${what} (${where}registry ${registry.address}).`,
      { cause, details: { topic, subject, id, registry: registry.address } }
    )
  }

  #noHead(buffer: Buffer, start: number, end: number, { topic, isKey }: SerdeContext): StreamsError {
    const length = end - start
    const first =
      length === 0
        ? 'there are no bytes'
        : `the first of ${length} bytes is 0x${buffer.toString('hex', start, start + 1)}`
    const what = length < HEAD_BYTES && buffer[start] === MAGIC ? `there are only ${length} bytes` : first
    return new StreamsError(
      'RECORD_DESERIALIZE_FAILED',
      `A ${isKey ? 'key' : 'value'} of '${topic}' should begin with a zero byte and the 4 bytes of a schema id, but ${what}. ` +
        'Read the topic with the serde that it was written with.',
      { details: { topic, length } }
    )
  }
}
