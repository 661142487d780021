import { StreamsError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import type { DeepReadonly } from './deep-readonly.ts'
import { PlainJson, NOT_PLAIN } from './plain-json.ts'
import { describeIssue, type StandardSchema } from './standard-schema.ts'
import { utf8Of, writeUtf8 } from './utf8.ts'

/**
 * JSON text as UTF-8, without spaces. The text `null` is read as a null value.
 *
 * Without a schema, what is read is taken to be a `T` unchecked. With one (Zod, Valibot, ArkType or any other Standard
 * Schema), every value that is read is validated and the schema's output is used; what is written is not validated. The
 * schema must validate synchronously.
 *
 * @throws StreamsError `RECORD_DESERIALIZE_FAILED` when reading text that is no JSON (the parser's error is the
 *   `cause`) or that the schema rejects; `RECORD_SERIALIZE_FAILED` when writing what JSON cannot hold
 * @see Kafka Streams has no such serde; the text is what its users' JSON serdes write
 * @example
 * ```ts
 * builder
 *   .stream('orders', { key: string(), value: json<{ item: string; count: number }>() })
 *   .mapValues(({ item, count }) => ({ item, count: count * 2 }))
 *   .to('doubled', { value: json<{ item: string; count: number }>() })
 * ```
 * ```text
 * orders o1:{"item":"tea","count":2}@0 → doubled o1:{"item":"tea","count":4}@0
 * ```
 */
export function json<T>(schema?: StandardSchema<T>): Serde<T>
/**
 * As `json()`, of values that nobody may change, as their type says. One that a record carries on as it was read, into a repartition
 * topic or an output, is not turned into text again: the bytes that were read are written, with their spaces and their order of
 * fields. Whoever changes such a value all the same, past the type, finds it unchanged in the next topic.
 *
 * @throws StreamsError `CONFIG_INVALID` for any other option; else as `json()`
 * @see Kafka Streams has no such serde
 * @example
 * ```ts
 * builder
 *   .stream('orders', { key: string(), value: json<{ item: string; count: number }>({ readonly: true }) })
 *   .filter((_key, { count }) => count > 1)
 *   .to('large')
 * ```
 * ```text
 * orders o1:{"item":"tea","count":2}@0 o2:{"item":"milk","count":1}@1 → large o1:{"item":"tea","count":2}@0
 * ```
 */
export function json<T>(options: { readonly readonly: true }): Serde<DeepReadonly<T>>
export function json<T>(given?: StandardSchema<T> | { readonly readonly: true }): Serde<T> {
  if (given === undefined) return UNCHECKED as Serde<T>
  if (typeof given === 'object' && given !== null && 'readonly' in given && !('~standard' in given)) {
    checkReadonly(given)
    return READONLY as Serde<T>
  }
  return new JsonSerde(given as StandardSchema<T>, false)
}

class JsonSerde<T> implements Serde<T> {
  readonly name = 'json'
  readonly #schema: StandardSchema<T> | undefined
  readonly #isReadonly: boolean
  readonly #plain = new PlainJson()

  constructor(schema: StandardSchema<T> | undefined, isReadonly: boolean) {
    this.#isReadonly = isReadonly
    if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
      throw new StreamsError(
        'CONFIG_INVALID',
        `json() takes a Standard Schema, but ${String(schema)} has no '~standard' property. Pass a schema of a library that implements it, or nothing.`
      )
    }
    this.#schema = schema
  }

  get keepsBytes(): boolean {
    return this.#isReadonly
  }

  // As fields, as in string(): a spread takes these, and not the fast paths, which would be taken instead of what replaces them.
  readonly serialize = (value: T): Uint8Array => Buffer.from(textOf(value), 'utf8')

  readonly deserialize = (bytes: Uint8Array): T => {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.deserializeRange(buffer, 0, buffer.length)
  }

  serializeInto(value: T, buffer: Buffer, at: number): number | Uint8Array {
    return writeUtf8(textOf(value), buffer, at)
  }

  deserializeRange(buffer: Buffer, start: number, end: number): T {
    let value: unknown
    try {
      value = this.#plain.parse(buffer, start, end)
      if (value === NOT_PLAIN) value = JSON.parse(utf8Of(buffer, start, end))
    } catch (error) {
      throw new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `${end - start} bytes are not JSON: ${messageOf(error)}. Read the topic with the serde it was written with.`,
        { cause: error, details: { serde: 'json' } }
      )
    }
    return this.#schema === undefined || value === null ? (value as T) : validated(this.#schema, value)
  }
}

const UNCHECKED = new JsonSerde<unknown>(undefined, false)
/** One for all, so that what one source reads another sink recognises. */
const READONLY = new JsonSerde<unknown>(undefined, true)

function checkReadonly(options: object): void {
  const { readonly, ...others } = options as { readonly?: unknown }
  if (readonly === true && Object.keys(others).length === 0) return
  throw new StreamsError(
    'CONFIG_INVALID',
    `json() takes a Standard Schema or { readonly: true }, but was given ${JSON.stringify(options)}.`
  )
}

function textOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new StreamsError('RECORD_SERIALIZE_FAILED', `A value cannot be written as JSON: ${messageOf(error)}.`, {
      cause: error
    })
  }
  if (text === undefined) {
    throw new StreamsError(
      'RECORD_SERIALIZE_FAILED',
      `JSON has no text for a ${typeof value}. Use null for "no value".`
    )
  }
  return text
}

function validated<T>(schema: StandardSchema<T>, value: unknown): T {
  const { vendor, validate } = schema['~standard']
  const result = validate(value)
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw new StreamsError(
      'CONFIG_INVALID',
      `The ${vendor} schema given to json() validates asynchronously; records are read synchronously. Take the asynchronous checks out of the schema.`,
      { details: { vendor } }
    )
  }
  if (result.issues === undefined) return result.value
  throw new StreamsError(
    'RECORD_DESERIALIZE_FAILED',
    `A value does not fit its ${vendor} schema: ${result.issues.map(describeIssue).join('; ')}.`,
    { cause: result.issues, details: { serde: 'json', issues: result.issues } }
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
