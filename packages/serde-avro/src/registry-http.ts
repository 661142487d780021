import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { StreamsError } from '@millrace/streams/core'
import { type Clock, systemClock, systemEventLoop } from '@millrace/streams/ports'
import { messageOf } from './avro-type.ts'
import { checkRegistryOptions, type RegistryOptions } from './registry-options.ts'

/** What the registry said. */
export interface RegistryAnswer {
  readonly status: number
  /** Parsed JSON, or the text that is none. */
  readonly body: unknown
  /** `GET http://registry/schemas/ids/7` */
  readonly request: string
}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const MAX_SOCKETS = 8

/** Requests to a registry, repeated while it is away. */
export class RegistryHttp {
  readonly clock: Clock
  readonly #options: RegistryOptions
  readonly #urls: readonly URL[]
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  readonly #https: HttpsAgent
  /** The address that answered last. */
  #current = 0

  constructor(options: RegistryOptions) {
    this.#urls = checkRegistryOptions(options)
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...(options.tls as object) })
  }

  /** The address in use, without a password. */
  get address(): string {
    return shown(this.#urls[this.#current] as URL)
  }

  /**
   * @param path - without a slash in front.
   * @throws StreamsError `REGISTRY_UNAVAILABLE` when it was not answered, or not served, however often it was tried.
   */
  async request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<RegistryAnswer> {
    const { retries = 4 } = this.#options
    const urlCount = this.#urls.length
    // Requests that are under way together go round the addresses each by itself.
    const first = this.#current
    for (let attempt = 0; ; attempt++) {
      const index = (first + attempt) % urlCount
      const url = this.#urls[index] as URL
      const request = `${method} ${shown(url)}/${path}`
      let failure: string
      let cause: unknown
      try {
        const answer = await this.#send(url, method, path, body)
        if (answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
          this.#current = index
          return { ...answer, request }
        }
        failure = wordsOf(answer)
      } catch (error) {
        cause = error
        failure = messageOf(error)
      }
      if (attempt >= retries) {
        throw new StreamsError(
          'REGISTRY_UNAVAILABLE',
          `The schema registry did not serve '${request}', tried ${attempt + 1} times; at last: ${failure}. It is tried again.`,
          { cause, details: { request, attempts: attempt + 1 } }
        )
      }
      // Another address is worth trying at once.
      if ((attempt + 1) % urlCount === 0) await this.pause(Math.floor(attempt / urlCount))
    }
  }

  /** Waits as long as is due after so many failures in a row, not counting the last. */
  pause(failures: number): Promise<void> {
    const { retryBackoffMs = 100, retryBackoffMaxMs = 5_000 } = this.#options
    const delayMs = Math.min(retryBackoffMaxMs, retryBackoffMs * 2 ** Math.min(failures, 30))
    // Between two tries nothing else keeps the process from ending.
    const letGo = systemEventLoop.holdOpen()
    return new Promise<void>(resolve => void this.clock.setTimer(delayMs, resolve)).finally(letGo)
  }

  async #send(base: URL, method: string, path: string, body: unknown): Promise<Omit<RegistryAnswer, 'request'>> {
    const { requestTimeoutMs = 10_000, headers } = this.#options
    const url = new URL(path, base)
    const isTls = url.protocol === 'https:'
    const content = body === undefined ? undefined : JSON.stringify(body)
    const allHeaders = {
      ...headers,
      accept: `${MEDIA_TYPE}, application/json`,
      ...(await this.#authorization(base, requestTimeoutMs)),
      ...(content === undefined
        ? {}
        : { 'content-type': MEDIA_TYPE, 'content-length': String(Buffer.byteLength(content)) })
    }
    return await new Promise((resolve, reject) => {
      const options = { method, headers: allHeaders, agent: isTls ? this.#https : this.#http }
      const request = (isTls ? httpsRequest : httpRequest)(url, options, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', fail)
        response.once('close', () => fail(new Error('the connection was closed within the answer')))
        response.once('end', () => {
          cancel()
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString('utf8')) })
        })
      })
      const fail = (error: Error) => {
        cancel()
        reject(error)
      }
      const cancel = this.clock.setTimer(requestTimeoutMs, () => {
        request.destroy(new Error(`no answer within ${requestTimeoutMs} ms`))
      })
      request.once('error', fail)
      request.end(content)
    })
  }

  /** Whoever gives tokens may be as silent as a registry. */
  #within<T>(timeoutMs: number, given: T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`auth.token() gave no token within ${timeoutMs} ms`))
      const cancel = this.clock.setTimer(timeoutMs, late)
      Promise.resolve(given).then(resolve, reject).finally(cancel)
    })
  }

  async #authorization({ username, password }: URL, timeoutMs: number): Promise<Record<string, string>> {
    const { auth } = this.#options
    if (auth === undefined) {
      if (username === '') return {}
      return { authorization: basic(decodeURIComponent(username), decodeURIComponent(password)) }
    }
    if ('username' in auth) return { authorization: basic(auth.username, auth.password) }
    const token = typeof auth.token === 'string' ? auth.token : await this.#within(timeoutMs, auth.token())
    return { authorization: `Bearer ${token}` }
  }
}

/** Without a password. */
function shown({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}`
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The registry's own words, with its status and code. */
export function wordsOf({ status, body }: Pick<RegistryAnswer, 'status' | 'body'>): string {
  const { error_code: code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >
  const words = message === undefined ? String(typeof body === 'string' ? body : JSON.stringify(body)) : String(message)
  return `${status}${code === undefined || code === status ? '' : ` (${String(code)})`}: ${words.trim().replace(/\.$/, '').slice(0, 1_000) || 'no words'}`
}
