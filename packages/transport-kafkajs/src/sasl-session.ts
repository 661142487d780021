import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { Logger } from 'kafkajs'
import { certificateError, reasonOf } from './connection-errors.ts'
import { KafkajsBroker, type KafkajsConnection } from './kafkajs-internals.ts'
import { type OauthBearerOptions, oauthBearer } from './oauth-bearer.ts'
import type { SaslOptions } from './sasl-options.ts'
import { startTimer } from './timer.ts'

export interface SaslSessionSettings {
  readonly sasl: SaslOptions
  readonly connectionTimeoutMs: number
  readonly authenticationTimeoutMs: number
  /** How long before the session's end it is renewed. Default: a tenth of its lifetime. */
  readonly reauthenticationThresholdMs: number | undefined
  readonly logger: Logger
}

const UNSUPPORTED_SASL_MECHANISM = 33
const ILLEGAL_SASL_STATE = 34
const DEFAULT_THRESHOLD = 0.1
/** Brokers allow one renewal a second: a threshold as long as the session must not make every request one. */
const LARGEST_THRESHOLD = 0.5

/** What a connection is given as `sasl`: its own copy, for kafkajs keeps an authenticator in it, credentials and all. */
export function ownSaslOptions(sasl: SaslOptions): SaslOptions {
  if ('authenticationProvider' in sasl || sasl.mechanism.toLowerCase() !== 'oauthbearer') return { ...sasl }
  return { mechanism: sasl.mechanism, authenticationProvider: oauthBearer(sasl as unknown as OauthBearerOptions) }
}

/** Who a connection is, and until when: SASL's exchange at its begin, and again before the session ends (KIP-368). */
export class SaslSession {
  readonly #inner: KafkajsConnection
  readonly #settings: SaslSessionSettings
  readonly #broker: string
  /** kafkajs's mechanisms make one error of all that goes wrong: what it was is seen here, on its way to them. */
  #failedSend: unknown

  constructor(inner: KafkajsConnection, settings: SaslSessionSettings) {
    this.#inner = inner
    this.#settings = settings
    this.#broker = `${inner.host}:${inner.port}`
    const send = inner.send
    inner.send = async protocol => {
      try {
        const answer = await send.call(inner, protocol)
        this.#failedSend = undefined
        return answer
      } catch (error) {
        this.#failedSend = error
        throw error
      }
    }
  }

  /** Whether requests may be sent as they are. */
  get fresh(): boolean {
    return this.#inner.isAuthenticated()
  }

  /**
   * As kafkajs's own client does it: versions first, then the mechanism's exchange.
   *
   * @throws StreamsError `CLIENT_AUTHENTICATION_FAILED` when the broker refuses; `CLIENT_CONNECT_FAILED` when the connection
   *   breaks, the broker falls silent or there is no token
   */
  async begin(): Promise<void> {
    const inner = this.#inner
    const { connectionTimeoutMs, authenticationTimeoutMs, logger } = this.#settings
    const broker = new KafkajsBroker({
      connectionPool: {
        host: inner.host,
        port: inner.port,
        sasl: inner.sasl,
        connectionTimeout: connectionTimeoutMs,
        isConnected: () => inner.isConnected(),
        isAuthenticated: () => inner.isAuthenticated(),
        getConnection: async () => inner,
        setVersions: versions => inner.setVersions(versions),
        setSupportAuthenticationProtocol: isSupported => inner.setSupportAuthenticationProtocol(isSupported),
        send: protocol => inner.send(protocol)
      },
      logger,
      authenticationTimeout: authenticationTimeoutMs,
      allowAutoTopicCreation: false
    })
    await this.#exchange(() => broker.connect())
  }

  /** The same on a connection that is in use. @throws as `begin` */
  async renew(): Promise<void> {
    await this.#exchange(() => this.#inner.authenticate())
  }

  async #exchange(run: () => Promise<void>): Promise<void> {
    const { authenticationTimeoutMs } = this.#settings
    this.#failedSend = undefined
    let cancelTimer = (): void => {}
    const timedOut = new Promise<never>((_resolve, reject) => {
      cancelTimer = startTimer(authenticationTimeoutMs, () => {
        reject(this.#notAnswered(new Error(`no end of it within ${authenticationTimeoutMs} ms`)))
      })
    })
    const ran = run()
    // Once it has taken too long, the connection goes, and how that ends it is of no interest.
    ran.catch(() => {})
    try {
      await Promise.race([ran, timedOut])
    } catch (cause) {
      throw this.#failure(cause)
    } finally {
      cancelTimer()
    }
    this.#setThreshold()
  }

  #setThreshold(): void {
    const lifetimeMs = Number(String(this.#inner.sessionLifetime))
    const wanted = this.#settings.reauthenticationThresholdMs ?? lifetimeMs * DEFAULT_THRESHOLD
    // kafkajs adds it to a 64-bit integer.
    this.#inner.reauthenticationThreshold = Math.floor(Math.min(wanted, lifetimeMs * LARGEST_THRESHOLD))
  }

  #failure(thrown: unknown): StreamsError {
    if (isStreamsError(thrown)) return thrown
    const cause = this.#failedSend ?? thrown
    const errorCode = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // Only what the broker answered is its verdict. A connection that breaks, or stays silent, is none.
    if (this.#failedSend !== undefined && typeof errorCode !== 'number') {
      return certificateError(this.#broker, cause) ?? this.#notAnswered(cause)
    }
    const mechanism = this.#settings.sasl.mechanism.toUpperCase()
    const details = { broker: this.#broker, mechanism, ...this.#userDetails(), kafkaErrorCode: errorCode }
    return new StreamsError('CLIENT_AUTHENTICATION_FAILED', this.#refusal(mechanism, errorCode, cause), {
      cause,
      details
    })
  }

  #notAnswered(cause: unknown): StreamsError {
    return new StreamsError(
      'CLIENT_CONNECT_FAILED',
      `Broker ${this.#broker} closed the connection or fell silent while authenticating: ${reasonOf(cause)}.`,
      { cause, details: { host: this.#inner.host, port: this.#inner.port } }
    )
  }

  #refusal(mechanism: string, errorCode: unknown, cause: unknown): string {
    const broker = `Broker ${this.#broker}`
    switch (errorCode) {
      case UNSUPPORTED_SASL_MECHANISM:
        return `${broker} does not offer SASL ${mechanism} on this listener. Choose one of its sasl.enabled.mechanisms as 'sasl.mechanism'.`
      case ILLEGAL_SASL_STATE:
        return `${broker} expects no SASL exchange on this listener now: ${reasonOf(cause)}. Leave 'sasl' out, or use the port of a SASL listener.`
      default: {
        const { user } = this.#userDetails()
        const who = user === undefined ? 'this client' : `user '${user}'`
        return `${broker} refused ${who} with SASL ${mechanism}: ${reasonOf(cause)}. Mend 'sasl', or what the broker knows of the user.`
      }
    }
  }

  #userDetails(): { readonly user?: string } {
    const { sasl } = this.#settings
    return 'username' in sasl && typeof sasl.username === 'string' ? { user: sasl.username } : {}
  }
}
