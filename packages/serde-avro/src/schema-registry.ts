import { StreamsError } from '@millrace/streams/core'
import type { AvroSchema } from './avro-schema.ts'
import { messageOf } from './avro-type.ts'
import { type RegistryAnswer, RegistryHttp, wordsOf } from './registry-http.ts'
import type { RegistryOptions } from './registry-options.ts'

/** A schema as the registry keeps it. */
export interface RegisteredSchema {
  readonly id: number
  readonly schema: AvroSchema
  /** What the schema uses without defining it, those first that others need. */
  readonly references: readonly AvroSchema[]
}

/** Of an id that the registry does not know: so long it is not asked again. */
const UNKNOWN_MS = 10_000
/** A topic of something else has any number of them. */
const MAX_UNKNOWN = 1_000
/** Tasks that are taken over together need not ask one by one. */
const VERSIONS_FRESH_MS = 1_000
/** So often is asked again what another asked for at the same moment. */
const MAX_CONFLICTS = 5

interface Reference {
  readonly subject: string
  readonly version: number
}

interface SchemaBody {
  readonly id?: number
  readonly schema?: string
  readonly schemaType?: string
  readonly references?: readonly Reference[]
}

/**
 * A schema registry, as Confluent defined its API; Apicurio, Karapace and Redpanda speak it too. It remembers what it learnt:
 * share one among the serdes of an application.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function schemaRegistry(options: RegistryOptions): SchemaRegistry {
  return new SchemaRegistry(new RegistryHttp(options))
}

/** What was learnt of a registry, and what it is asked. */
export class SchemaRegistry {
  readonly #http: RegistryHttp
  readonly #schemas = new Map<number, RegisteredSchema>()
  /** By the time until which the answer is believed. */
  readonly #unknown = new Map<number, { readonly error: StreamsError; readonly untilMs: number }>()
  readonly #failed = new Map<number, { readonly error: unknown; readonly count: number }>()
  readonly #fetching = new Map<number, Promise<void>>()
  readonly #ids = new Map<string, Promise<number>>()
  readonly #versions = new Map<string, Promise<RegisteredSchema | undefined>>()
  readonly #loaded = new Map<string, { readonly atMs: number; readonly done: Promise<void> }>()

  constructor(http: RegistryHttp) {
    this.#http = http
  }

  get address(): string {
    return this.#http.address
  }

  /** What is known of an id, without asking: undefined means ask. @throws StreamsError `RECORD_DESERIALIZE_FAILED` for one that does not exist. */
  known(id: number): RegisteredSchema | undefined {
    const schema = this.#schemas.get(id)
    if (schema !== undefined) return schema
    const unknown = this.#unknown.get(id)
    if (unknown === undefined) return undefined
    if (this.#http.clock.monotonicMs() < unknown.untilMs) throw unknown.error
    this.#unknown.delete(id)
    return undefined
  }

  /** What asking for an id failed with at the last try; undefined when it was not tried, or is known. */
  failureOf(id: number): string | undefined {
    const failed = this.#failed.get(id)
    return failed === undefined ? undefined : messageOf(failed.error)
  }

  /** Asks for an id once; resolves whatever comes of it. `known` tells. */
  fetch(id: number): Promise<void> {
    let fetching = this.#fetching.get(id)
    if (fetching === undefined) {
      fetching = this.#fetch(id).finally(() => this.#fetching.delete(id))
      this.#fetching.set(id, fetching)
    }
    return fetching
  }

  async #fetch(id: number): Promise<void> {
    const failures = this.#failed.get(id)?.count ?? 0
    if (failures > 0) await this.#http.pause(failures - 1)
    try {
      const answer = await this.#http.request('GET', `schemas/ids/${id}`)
      if (answer.status === 404) {
        const error = new StreamsError(
          'RECORD_DESERIALIZE_FAILED',
          `The schema registry at ${this.address} knows no schema of id ${id}. It says ${wordsOf(answer)}.`,
          { details: { id, registry: this.address } }
        )
        if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.delete(this.#unknown.keys().next().value as number)
        this.#unknown.set(id, { error, untilMs: this.#http.clock.monotonicMs() + UNKNOWN_MS })
      } else this.#schemas.set(id, await this.#registered({ ...bodyOf(answer), id }))
      this.#failed.delete(id)
    } catch (error) {
      this.#failed.set(id, { error, count: failures + 1 })
    }
  }

  /**
   * The id of a schema under a subject; asked for once.
   *
   * @param register - registers it where it is missing.
   * @throws StreamsError `SCHEMA_INCOMPATIBLE`, `SCHEMA_INVALID`, `SCHEMA_NOT_FOUND`, `REGISTRY_REFUSED`, `REGISTRY_UNAVAILABLE`
   */
  idOf(subject: string, schema: AvroSchema, register: boolean): Promise<number> {
    const text = JSON.stringify(schema)
    const name = `${subject}\n${text}`
    let id = this.#ids.get(name)
    if (id === undefined) {
      id = this.#idOf(subject, schema, text, register)
      this.#ids.set(name, id)
      id.catch(() => this.#ids.delete(name))
    }
    return id
  }

  async #idOf(subject: string, schema: AvroSchema, text: string, register: boolean): Promise<number> {
    const path = `subjects/${encodeURIComponent(subject)}`
    const ask = () => this.#http.request('POST', register ? `${path}/versions` : path, { schema: text })
    let answer = await ask()
    // Of two that register the same at the same moment, Apicurio refuses the second; asked again, it gives the id.
    for (let conflicts = 0; isConflict(answer) && conflicts < MAX_CONFLICTS; conflicts++) {
      await this.#http.pause(conflicts)
      answer = await ask()
    }
    if (answer.status >= 300) throw await this.#refused(answer, subject, text, register)
    const { id } = bodyOf(answer)
    if (typeof id !== 'number') throw unusable(answer)
    // Equal for the registry; what it keeps may differ in its texts for people only.
    if (!this.#schemas.has(id)) this.#schemas.set(id, { id, schema, references: [] })
    return id
  }

  async #refused(answer: RegistryAnswer, subject: string, text: string, register: boolean): Promise<StreamsError> {
    const details = { subject, registry: this.address, status: answer.status }
    const words = wordsOf(answer)
    if (answer.status === 409) {
      const reasons = await this.#incompatibilities(subject, text, words)
      return new StreamsError(
        'SCHEMA_INCOMPATIBLE',
        `The schema registry at ${this.address} does not take this schema as a version of '${subject}'. It says ${words}${reasons}. ` +
          "Give new fields a default, or change the subject's compatibility.",
        { details }
      )
    }
    if (answer.status === 422) {
      return new StreamsError(
        'SCHEMA_INVALID',
        `The schema registry at ${this.address} does not understand the schema for '${subject}'. It says ${words}. Mend it.`,
        { details }
      )
    }
    if (answer.status === 404 && !register) {
      return new StreamsError(
        'SCHEMA_NOT_FOUND',
        `The schema is not registered as '${subject}' in the schema registry at ${this.address}. It says ${words}. ` +
          'Register it, or set autoRegister.',
        { details }
      )
    }
    return refused(answer, details)
  }

  /** What exactly does not fit, where the registry tells. */
  async #incompatibilities(subject: string, schema: string, known: string): Promise<string> {
    const path = `compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const answer = await this.#http.request('POST', path, { schema }).catch(() => undefined)
    const { messages } = (answer?.body ?? {}) as { messages?: unknown }
    if (!Array.isArray(messages)) return ''
    const added = messages.map(String).filter(message => !known.includes(message))
    return added.length === 0 ? '' : `; ${added.join('; ')}`.slice(0, 2_000)
  }

  /**
   * Learns every version of a subject. One that does not exist, or may not be listed, has none.
   *
   * @throws StreamsError `REGISTRY_REFUSED`, `REGISTRY_UNAVAILABLE`
   */
  loadVersions(subject: string): Promise<void> {
    const nowMs = this.#http.clock.monotonicMs()
    const loaded = this.#loaded.get(subject)
    if (loaded !== undefined && nowMs - loaded.atMs < VERSIONS_FRESH_MS) return loaded.done
    const done = this.#loadVersions(subject)
    this.#loaded.set(subject, { atMs: nowMs, done })
    done.catch(() => this.#loaded.delete(subject))
    return done
  }

  async #loadVersions(subject: string): Promise<void> {
    const answer = await this.#http.request('GET', `subjects/${encodeURIComponent(subject)}/versions`)
    if (answer.status === 404 || answer.status === 403) return
    if (answer.status >= 300) throw refused(answer, { subject, registry: this.address, status: answer.status })
    if (!Array.isArray(answer.body)) throw unusable(answer)
    await Promise.all(
      answer.body.map(async version => {
        const registered = await this.#version(subject, Number(version))
        if (registered !== undefined) this.#schemas.set(registered.id, registered)
      })
    )
  }

  /** Undefined when there is none, or it is not of Avro. Those there are never change. */
  #version(subject: string, version: number): Promise<RegisteredSchema | undefined> {
    const name = `${subject}\n${version}`
    let found = this.#versions.get(name)
    if (found === undefined) {
      found = this.#askVersion(subject, version)
      this.#versions.set(name, found)
      const forget = () => this.#versions.delete(name)
      found.then(registered => registered ?? forget(), forget)
    }
    return found
  }

  async #askVersion(subject: string, version: number): Promise<RegisteredSchema | undefined> {
    const answer = await this.#http.request('GET', `subjects/${encodeURIComponent(subject)}/versions/${version}`)
    if (answer.status === 404) return undefined
    const body = bodyOf(answer)
    return isAvro(body) ? await this.#registered(body) : undefined
  }

  async #registered(body: SchemaBody): Promise<RegisteredSchema> {
    const { id = -1, schema = '', schemaType, references = [] } = body
    if (!isAvro(body)) {
      throw new StreamsError(
        'SCHEMA_INVALID',
        `Schema ${id} of the registry at ${this.address} is of type ${schemaType}, not Avro.`,
        { details: { id, schemaType } }
      )
    }
    const needed: AvroSchema[] = []
    for (const { subject, version } of references) {
      const found = await this.#version(subject, version)
      if (found === undefined) continue
      for (const part of [...found.references, found.schema]) if (!needed.includes(part)) needed.push(part)
    }
    return { id, schema: schemaOf(schema), references: needed }
  }
}

function isConflict(answer: RegistryAnswer): boolean {
  return answer.status === 409 && /already exists/i.test(wordsOf(answer))
}

function isAvro({ schemaType }: SchemaBody): boolean {
  return schemaType === undefined || schemaType === 'AVRO'
}

/** What is no JSON is refused when it is compiled. */
function schemaOf(text: string): AvroSchema {
  try {
    return JSON.parse(text) as AvroSchema
  } catch {
    return text
  }
}

function bodyOf(answer: RegistryAnswer): SchemaBody {
  if (answer.status >= 300) throw refused(answer, { status: answer.status })
  if (typeof answer.body !== 'object' || answer.body === null) throw unusable(answer)
  return answer.body as SchemaBody
}

function refused(answer: RegistryAnswer, details: Readonly<Record<string, unknown>>): StreamsError {
  return new StreamsError(
    'REGISTRY_REFUSED',
    `The schema registry refused '${answer.request}'. It says ${wordsOf(answer)}. Mend the credentials, the rights or the address.`,
    { details: { ...details, request: answer.request } }
  )
}

function unusable(answer: RegistryAnswer): StreamsError {
  const text = JSON.stringify(answer.body).slice(0, 200)
  return new StreamsError(
    'REGISTRY_REFUSED',
    `What answered '${answer.request}' is no schema registry. It said ${text}. Mend the address.`,
    { details: { request: answer.request } }
  )
}
