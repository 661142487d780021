import { StreamsError } from '@millrace/streams/core'
import type { Authenticator, AuthenticationProviderArgs, OauthbearerProviderResponse } from 'kafkajs'
import { reasonOf } from './connection-errors.ts'

export interface OauthBearerOptions {
  /** Asked for each connection and each renewal of a session: keep a token until it is about to expire. */
  readonly oauthBearerProvider: () => Promise<OauthbearerToken>
}

/** What kafkajs's type leaves out, although kafkajs sends it: extensions (KIP-342). */
interface OauthbearerToken extends OauthbearerProviderResponse {
  readonly extensions?: Readonly<Record<string, string>>
}

const SEPARATOR = '\u0001'

/**
 * SASL OAUTHBEARER (RFC 7628), as kafkajs asks for a mechanism of one's own. Its built-in one takes a broker's refusal, which
 * comes as a challenge, for a success; whatever is sent next then fails as if out of turn.
 *
 * @throws StreamsError `CLIENT_CONNECT_FAILED` when there is no token now: the same passes as an unreachable broker does.
 */
export function oauthBearer(options: OauthBearerOptions): (args: AuthenticationProviderArgs) => Authenticator {
  return ({ host, port, saslAuthenticate }) => ({
    async authenticate() {
      const message = await firstMessage(options, `${host}:${port}`)
      const challenge = await saslAuthenticate({ request: { encode: () => lengthPrefixed(message) }, response: BYTES })
      if (challenge === undefined || challenge.length === 0) return
      // The broker says what is wrong once its challenge is acknowledged: this throws it.
      await saslAuthenticate({ request: { encode: () => lengthPrefixed(SEPARATOR) }, response: BYTES })
      throw new Error(challenge.toString())
    }
  })
}

async function firstMessage(options: OauthBearerOptions, broker: string): Promise<string> {
  let token: OauthbearerToken
  try {
    token = await options.oauthBearerProvider()
  } catch (cause) {
    throw noToken(broker, `threw: ${reasonOf(cause)}`, cause)
  }
  if (typeof token?.value !== 'string' || token.value === '') {
    throw noToken(broker, "returned no token; it has to return { value: '…' }", undefined)
  }
  const pairs = Object.entries({ auth: `Bearer ${token.value}`, ...token.extensions })
  const list = pairs.map(([name, value]) => `${name}=${value}${SEPARATOR}`).join('')
  return `n,,${SEPARATOR}${list}${SEPARATOR}`
}

function noToken(broker: string, what: string, cause: unknown): StreamsError {
  return new StreamsError(
    'CLIENT_CONNECT_FAILED',
    `No token for broker ${broker}: the function given as 'sasl.oauthBearerProvider' ${what}.`,
    { details: { broker }, ...(cause === undefined ? {} : { cause }) }
  )
}

/** The exchange's bytes as they are; kafkajs puts their length before them. */
const BYTES = { decode: (bytes: Buffer): Buffer => bytes.subarray(4), parse: (bytes: Buffer): Buffer => bytes }

function lengthPrefixed(text: string): Buffer {
  const out = Buffer.allocUnsafe(4 + Buffer.byteLength(text))
  out.writeInt32BE(out.length - 4)
  out.write(text, 4)
  return out
}
