import type { BrokerAddress, Connection, RequestFrame } from '@millrace/client'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { ISocketFactory, KafkaConfig, Logger } from 'kafkajs'
import { calmRequestQueue, KafkajsBroker, KafkajsConnection, type KafkajsConnectionPool } from './kafkajs-internals.ts'
import { encodeRequestHeader } from './request-header.ts'
import { startTimer } from './timer.ts'

export interface KafkajsConnectionSettings {
  readonly ssl: KafkaConfig['ssl'] | null
  readonly sasl: NonNullable<KafkaConfig['sasl']> | null
  readonly clientId: string | undefined
  readonly socketFactory: ISocketFactory
  readonly connectionTimeoutMs: number
  readonly authenticationTimeoutMs: number
  readonly reauthenticationThresholdMs: number | undefined
  readonly enforceRequestTimeout: boolean
  readonly logger: Logger
}

interface PendingRequest {
  readonly request: RequestFrame
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: Error) => void
  cancelTimer: (() => void) | undefined
}

/**
 * One kafkajs connection. Requests go straight into its request queue, because `Connection#send` copies a request three
 * times and encodes it asynchronously, which would leave the order of two sends to chance.
 */
export class KafkajsConnectionAdapter implements Connection {
  readonly #inner: KafkajsConnection
  readonly #broker: string
  readonly #enforceRequestTimeout: boolean
  readonly #pending = new Set<PendingRequest>()
  /** Held back, in order, while the session is renewed (KIP-368). */
  readonly #heldBack: PendingRequest[] = []
  #reauthenticating = false
  #closed = false

  private constructor(inner: KafkajsConnection, settings: KafkajsConnectionSettings) {
    this.#inner = inner
    this.#broker = `${inner.host}:${inner.port}`
    this.#enforceRequestTimeout = settings.enforceRequestTimeout
    // kafkajs leaves Nagle's algorithm on: a small request behind another would wait for the peer's delayed acknowledgement.
    inner.socket?.setNoDelay(true)
    // kafkajs listens to 'end' and 'error' alone; a destroyed socket emits neither, and its requests would wait for ever.
    inner.socket?.once('close', () => this.#break(undefined))
  }

  static async open(broker: BrokerAddress, settings: KafkajsConnectionSettings): Promise<KafkajsConnectionAdapter> {
    const inner = new KafkajsConnection({
      host: broker.host,
      port: broker.port,
      rack: broker.rack ?? null,
      ssl: settings.ssl,
      // kafkajs keeps its authenticator in this object, credentials and all: two connections must not share one.
      sasl: settings.sasl === null ? null : { ...settings.sasl },
      clientId: settings.clientId,
      socketFactory: settings.socketFactory,
      connectionTimeout: settings.connectionTimeoutMs,
      // kafkajs raises every shorter time-out to its own, and goes on after one. Requests are timed by this class instead.
      requestTimeout: settings.authenticationTimeoutMs,
      enforceRequestTimeout: false,
      reauthenticationThreshold: settings.reauthenticationThresholdMs,
      maxInFlightRequests: null,
      logger: settings.logger
    })
    calmRequestQueue(inner)
    const name = `${broker.host}:${broker.port}`
    try {
      await inner.connect()
    } catch (cause) {
      destroy(inner)
      throw new StreamsError('CLIENT_CONNECT_FAILED', `Broker ${name} cannot be reached: ${reasonOf(cause)}`, {
        cause,
        details: { host: broker.host, port: broker.port }
      })
    }
    if (settings.sasl !== null) await authenticate(inner, settings, name)
    return new KafkajsConnectionAdapter(inner, settings)
  }

  get connected(): boolean {
    return !this.#closed && this.#inner.isConnected()
  }

  send(request: RequestFrame): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (!this.connected) return reject(this.#failure(request, undefined))
      const pending: PendingRequest = { request, resolve, reject, cancelTimer: undefined }
      this.#pending.add(pending)
      if (this.#enforceRequestTimeout) {
        pending.cancelTimer = startTimer(request.timeoutMs, () => this.#timeOut(pending))
      }
      if (this.#reauthenticating || !this.#sessionIsFresh()) {
        this.#heldBack.push(pending)
        if (!this.#reauthenticating) void this.#reauthenticate()
      } else {
        this.#write(pending)
      }
    })
  }

  async close(): Promise<void> {
    this.#break(undefined)
  }

  #sessionIsFresh(): boolean {
    return this.#inner.sasl === null || this.#inner.isAuthenticated()
  }

  async #reauthenticate(): Promise<void> {
    this.#reauthenticating = true
    try {
      await this.#inner.authenticate()
    } catch (cause) {
      this.#break(authenticationFailure(this.#broker, cause))
    }
    this.#reauthenticating = false
    for (const pending of this.#heldBack.splice(0)) if (this.#pending.has(pending)) this.#write(pending)
  }

  #write(pending: PendingRequest): void {
    const { request } = pending
    const inner = this.#inner
    const correlationId = inner.nextCorrelationId()
    const header = encodeRequestHeader(request, correlationId, inner.clientId)
    try {
      inner.requestQueue.push({
        entry: {
          apiKey: request.apiKey,
          apiName: request.apiName,
          apiVersion: request.apiVersion,
          correlationId,
          resolve: ({ payload }) => {
            // Response header v1 ends with a section of tagged fields; no broker sends any.
            if (this.#take(pending)) pending.resolve(request.flexibleResponse ? payload.subarray(1) : payload)
          },
          reject: cause => {
            if (this.#take(pending)) pending.reject(this.#failure(request, cause))
          }
        },
        expectResponse: true,
        requestTimeout: null,
        sendRequest: () => {
          const socket = inner.socket
          if (socket === undefined) return
          socket.cork()
          socket.write(header)
          socket.write(request.body)
          socket.uncork()
        }
      })
    } catch (cause) {
      if (this.#take(pending)) pending.reject(this.#failure(request, cause))
    }
  }

  #take(pending: PendingRequest): boolean {
    pending.cancelTimer?.()
    return this.#pending.delete(pending)
  }

  #timeOut(pending: PendingRequest): void {
    if (!this.#take(pending)) return
    const { apiName, timeoutMs } = pending.request
    pending.reject(
      new StreamsError(
        'CLIENT_REQUEST_TIMED_OUT',
        `Broker ${this.#broker} did not answer ${apiName} within ${timeoutMs} ms. It may or may not have carried it out.`,
        { details: { broker: this.#broker, apiName, timeoutMs } }
      )
    )
    // Answers come in order: whatever is behind this one cannot be answered in time either, and a late answer must find no one.
    this.#break(undefined)
  }

  #break(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    for (const pending of [...this.#pending]) {
      this.#take(pending)
      pending.reject(error ?? this.#failure(pending.request, undefined))
    }
    this.#heldBack.length = 0
    destroy(this.#inner)
  }

  #failure(request: RequestFrame, cause: unknown): StreamsError {
    if (isStreamsError(cause)) return cause
    const reason = cause === undefined ? 'the connection is closed' : reasonOf(cause)
    return new StreamsError(
      'CLIENT_REQUEST_FAILED',
      `${request.apiName} to broker ${this.#broker} was not answered: ${reason}. It may or may not have been carried out.`,
      { details: { broker: this.#broker, apiName: request.apiName }, ...(cause === undefined ? {} : { cause }) }
    )
  }
}

/** As kafkajs's own client does it: versions first, then the mechanism's exchange. */
async function authenticate(
  inner: KafkajsConnection,
  settings: KafkajsConnectionSettings,
  name: string
): Promise<void> {
  const pool: KafkajsConnectionPool = {
    host: inner.host,
    port: inner.port,
    sasl: inner.sasl,
    connectionTimeout: settings.connectionTimeoutMs,
    isConnected: () => inner.isConnected(),
    isAuthenticated: () => inner.isAuthenticated(),
    getConnection: async () => inner,
    setVersions: versions => inner.setVersions(versions),
    setSupportAuthenticationProtocol: isSupported => inner.setSupportAuthenticationProtocol(isSupported),
    send: protocol => inner.send(protocol)
  }
  const broker = new KafkajsBroker({
    connectionPool: pool,
    logger: settings.logger,
    authenticationTimeout: settings.authenticationTimeoutMs,
    allowAutoTopicCreation: false
  })
  let timedOut = false
  const cancelTimer = startTimer(settings.authenticationTimeoutMs, () => {
    timedOut = true
    inner.rejectRequests(new Error(`no answer within ${settings.authenticationTimeoutMs} ms`))
    inner.socket?.destroy()
  })
  try {
    await broker.connect()
  } catch (cause) {
    destroy(inner)
    if (timedOut || isConnectionFailure(cause)) {
      throw new StreamsError(
        'CLIENT_CONNECT_FAILED',
        `Broker ${name} closed the connection or fell silent while authenticating: ${reasonOf(cause)}`,
        { cause, details: { host: inner.host, port: inner.port } }
      )
    }
    throw authenticationFailure(name, cause)
  } finally {
    cancelTimer()
  }
}

function authenticationFailure(broker: string, cause: unknown): StreamsError {
  return new StreamsError(
    'CLIENT_AUTHENTICATION_FAILED',
    `Broker ${broker} refused the credentials: ${reasonOf(cause)}. Check 'sasl' and what the broker's listener expects.`,
    { cause, details: { broker } }
  )
}

function isConnectionFailure(cause: unknown): boolean {
  return cause instanceof Error && cause.name.startsWith('KafkaJSConnection')
}

/** kafkajs waits for open requests, then half-closes; here both ends are done with it. */
function destroy(inner: KafkajsConnection): void {
  inner.rejectRequests(new Error('the connection is closed'))
  inner.socket?.destroy()
  void inner.disconnect().catch(() => {})
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  // Node reports a name with several addresses as an AggregateError without text: then the code is all there is.
  const text = cause.message.replace(/^Connection error: $/, '').trim()
  if (text === '') return code ?? cause.name
  return code === undefined || text.includes(code) ? text : `${text} (${code})`
}
