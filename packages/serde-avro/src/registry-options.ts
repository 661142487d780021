import { checkOptions, StreamsError } from '@millrace/streams/core'
import type { Clock } from '@millrace/streams/ports'

/** User and password, or a token; one that expires is asked for anew before each request. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  | { readonly token: string | (() => string | Promise<string>) }

/** As Node's `tls.connect` takes them. */
export interface RegistryTls {
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined
  readonly cert?: string | Buffer | undefined
  readonly key?: string | Buffer | undefined
  readonly passphrase?: string | undefined
  readonly servername?: string | undefined
  readonly rejectUnauthorized?: boolean | undefined
}

/** Where a schema registry is and how it is spoken to. */
export interface RegistryOptions {
  /**
   * Base of its API as Confluent defines it: `https://registry:8081`, or `http://registry:8080/apis/ccompat/v7` for Apicurio. Of several
   * the next one is asked when one does not answer. A user and password in the address are used like `auth`.
   */
  readonly url: string | readonly string[]
  readonly auth?: RegistryAuth | undefined
  readonly tls?: RegistryTls | undefined
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Until a request is given up and tried again. Default 10,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How often a request that was not answered, or not served (5xx, 408, 429), is repeated before it fails. Default 4. */
  readonly retries?: number | undefined
  /** Before the first repetition; doubled for each further one. Default 100. */
  readonly retryBackoffMs?: number | undefined
  /** Default 5,000. */
  readonly retryBackoffMaxMs?: number | undefined
  /** For simulations. Default: the system's. */
  readonly clock?: Clock | undefined
}

export const REGISTRY_OPTIONS = [
  'url',
  'auth',
  'tls',
  'headers',
  'requestTimeoutMs',
  'retries',
  'retryBackoffMs',
  'retryBackoffMaxMs',
  'clock'
]

const TLS_OPTIONS = ['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized']

/** @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION` */
export function checkRegistryOptions(options: RegistryOptions): URL[] {
  checkOptions('schemaRegistry()', options, REGISTRY_OPTIONS)
  const { auth, tls } = options
  for (const name of ['requestTimeoutMs', 'retries', 'retryBackoffMs', 'retryBackoffMaxMs'] as const) {
    const value = options[name]
    if (value === undefined || (Number.isInteger(value) && value >= (name === 'requestTimeoutMs' ? 1 : 0))) continue
    throw invalid(`takes a whole number as ${name}, not ${String(value)}`)
  }
  if (auth !== undefined) {
    const { username, password, token } = auth as Record<string, unknown>
    const isToken = typeof token === 'string' || typeof token === 'function'
    if (isToken === (typeof username === 'string' && typeof password === 'string')) {
      throw invalid('takes as auth either { username, password } or { token }')
    }
  }
  if (tls !== undefined) checkOptions("schemaRegistry()'s tls", tls, TLS_OPTIONS)
  const given = typeof options.url === 'string' ? [options.url] : options.url
  if (!Array.isArray(given) || given.length === 0) throw invalid('needs the url of the registry')
  return given.map(baseUrl)
}

function baseUrl(text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid(`takes as url 'http://…' or 'https://…', not ${JSON.stringify(text)}`)
  }
  if (url.search !== '' || url.hash !== '') throw invalid(`takes a url without a query, not ${JSON.stringify(text)}`)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    throw invalid(`takes a url whose user and password are encoded, as encodeURIComponent() does it`)
  }
  return url
}

function invalid(what: string): StreamsError {
  return new StreamsError('CONFIG_INVALID', `schemaRegistry() ${what}.`)
}
