import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isStreamsError } from '@millrace/streams/core'
import type { AvroSchema } from '../avro-schema.ts'
import { avroType } from '../avro-type.ts'
import { COMPATIBILITIES, type Compatibility, incompatibilities, type WholeSchema } from './schema-compatibility.ts'

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

interface Version {
  readonly id: number
  readonly version: number
  readonly text: string
  readonly references: readonly Reference[]
}

/** An error of the API: a status, a code, words. */
class ApiError extends Error {
  readonly status: number
  readonly code: number

  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export interface MemoryRegistryOptions {
  /** Default 0: a free one. */
  readonly port?: number
  /** Of subjects without a setting of their own. Default `BACKWARD`. */
  readonly compatibility?: Compatibility
  /** Refuses requests without this header: `Basic …`, `Bearer …`. */
  readonly authorization?: string
}

/**
 * A schema registry in this process, in memory, for development and tests: the part of Confluent's API that serializers use, for
 * Avro. It forgets everything when it is closed.
 */
export class MemoryRegistry {
  /** `GET /schemas/ids/1` and so on, in order. */
  readonly requests: string[] = []
  readonly #subjects = new Map<string, Version[]>()
  readonly #byId: { readonly text: string; readonly references: readonly Reference[] }[] = []
  readonly #settings = new Map<string, Compatibility>()
  readonly #authorization: string | undefined
  #compatibility: Compatibility
  #isShut = false
  readonly #server: Server

  private constructor(options: MemoryRegistryOptions) {
    this.#compatibility = options.compatibility ?? 'BACKWARD'
    this.#authorization = options.authorization
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
    const registry = new MemoryRegistry(options)
    await new Promise<void>((resolve, reject) => {
      registry.#server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    return registry
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** From now on whoever asks is thrown out, as if the registry were away. What it knows it keeps. */
  shut(): void {
    this.#isShut = true
    this.#server.closeAllConnections()
  }

  /** Answers again. */
  open(): void {
    this.#isShut = false
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => void this.#server.close(() => resolve()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isShut) {
      request.destroy()
      return
    }
    let status = 200
    let answer: unknown
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const url = new URL(request.url ?? '/', 'http://registry')
      this.requests.push(`${request.method} ${url.pathname}`)
      if (this.#authorization !== undefined && request.headers.authorization !== this.#authorization) {
        throw new ApiError(401, 401, 'Unauthorized')
      }
      const text = Buffer.concat(chunks).toString('utf8')
      const parts = url.pathname
        .split('/')
        .filter(part => part !== '')
        .map(decodeURIComponent)
      answer = this.#answer(`${request.method} ${parts[0] ?? ''}`, parts, text === '' ? {} : JSON.parse(text), url)
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, 50_001, String(error))
      status = known.status
      answer = { error_code: known.code, message: known.message }
    }
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    response.end(JSON.stringify(answer))
  }

  #answer(route: string, parts: readonly string[], body: Record<string, unknown>, url: URL): unknown {
    const [, subject = '', what, version] = parts
    switch (route) {
      case 'GET subjects':
        if (subject === '') return [...this.#subjects.keys()]
        if (what !== 'versions') break
        if (version === undefined) return this.#versions(subject).map(each => each.version)
        return described(subject, this.#version(subject, version))
      case 'POST subjects':
        if (what === 'versions') return { id: this.#register(subject, body) }
        if (what === undefined) return described(subject, this.#lookUp(subject, body))
        break
      case 'GET schemas':
        if (subject === 'ids' && what !== undefined) return this.#schema(Number(what))
        break
      case 'POST compatibility':
        if (parts[1] === 'subjects' && parts[3] === 'versions') return this.#test(parts[2] ?? '', body, url)
        break
      case 'GET config':
        return { compatibilityLevel: this.#settings.get(subject) ?? this.#compatibility }
      case 'PUT config':
        return this.#configure(subject, body)
    }
    throw new ApiError(404, 404, `HTTP 404 Not Found: there is no ${route}`)
  }

  #versions(subject: string): readonly Version[] {
    const versions = this.#subjects.get(subject)
    if (versions === undefined) throw new ApiError(404, 40_401, `Subject '${subject}' not found.`)
    return versions
  }

  #version(subject: string, which: string): Version {
    const versions = this.#versions(subject)
    const found = which === 'latest' ? versions.at(-1) : versions.find(({ version }) => version === Number(which))
    if (found === undefined) throw new ApiError(404, 40_402, `Version ${which} not found.`)
    return found
  }

  #schema(id: number): unknown {
    const found = this.#byId[id - 1]
    if (found === undefined) throw new ApiError(404, 40_403, `Schema ${id} not found`)
    return { schema: found.text, ...(found.references.length === 0 ? {} : { references: found.references }) }
  }

  #register(subject: string, body: Record<string, unknown>): number {
    const { text, references } = this.#given(body)
    const versions = this.#subjects.get(subject) ?? []
    const same = versions.find(each => each.text === text)
    if (same !== undefined) return same.id
    const compatibility = this.#settings.get(subject) ?? this.#compatibility
    const reasons = this.#reasons({ text, references }, versions, compatibility)
    if (reasons.length > 0) {
      throw new ApiError(
        409,
        409,
        `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${reasons.join(', ')}]`
      )
    }
    let id = this.#byId.findIndex(each => each.text === text) + 1
    if (id === 0) id = this.#byId.push({ text, references })
    this.#subjects.set(subject, [...versions, { id, version: versions.length + 1, text, references }])
    return id
  }

  #reasons(
    given: Pick<Version, 'text' | 'references'>,
    versions: readonly Version[],
    compatibility: Compatibility
  ): string[] {
    return incompatibilities(
      this.#whole(given),
      versions.map(version => this.#whole(version)),
      compatibility
    )
  }

  #whole({ text, references }: Pick<Version, 'text' | 'references'>): WholeSchema {
    const needed = references.flatMap(({ subject, version }) => {
      const { references: deeper, schema } = this.#whole(this.#version(subject, String(version)))
      return [...deeper, schema]
    })
    return { schema: JSON.parse(text) as AvroSchema, references: needed }
  }

  #lookUp(subject: string, body: Record<string, unknown>): Version {
    const { text } = this.#given(body)
    const found = this.#versions(subject).find(each => each.text === text)
    if (found === undefined) throw new ApiError(404, 40_403, 'Schema not found')
    return found
  }

  #test(subject: string, body: Record<string, unknown>, url: URL): unknown {
    const given = this.#given(body)
    const compatibility = this.#settings.get(subject) ?? this.#compatibility
    const messages = this.#reasons(given, this.#subjects.get(subject) ?? [], compatibility)
    return { is_compatible: messages.length === 0, ...(url.searchParams.get('verbose') === 'true' ? { messages } : {}) }
  }

  #configure(subject: string, { compatibility }: Record<string, unknown>): unknown {
    if (!COMPATIBILITIES.includes(String(compatibility))) {
      throw new ApiError(422, 42_203, 'Invalid compatibility level')
    }
    if (subject === '') this.#compatibility = compatibility as Compatibility
    else this.#settings.set(subject, compatibility as Compatibility)
    return { compatibility }
  }

  /** The schema of a request, in one way of writing it. */
  #given({ schema, references = [] }: Record<string, unknown>): { text: string; references: readonly Reference[] } {
    const refs = references as readonly Reference[]
    try {
      const parsed = JSON.parse(String(schema)) as AvroSchema
      const given = { text: JSON.stringify(parsed), references: refs }
      avroType(parsed, { long: 'number' }, this.#whole(given).references)
      return given
    } catch (error) {
      if (error instanceof ApiError) throw error
      const why = isStreamsError(error) && error.cause instanceof Error ? error.cause.message : String(error)
      throw new ApiError(422, 42_201, `Invalid schema ${String(schema)}: ${why}`)
    }
  }
}

function described(subject: string, { id, version, text, references }: Version): unknown {
  return { subject, id, version, schema: text, ...(references.length === 0 ? {} : { references }) }
}
