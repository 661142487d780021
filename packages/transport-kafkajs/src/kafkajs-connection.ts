import type { BrokerAddress, Connection, RequestFrame } from '@millrace/client'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { ISocketFactory, KafkaConfig, Logger } from 'kafkajs'
import { AnswerFrames } from './answer-frames.ts'
import { certificateError, connectError, reasonOf } from './connection-errors.ts'
import { calmRequestQueue, KafkajsConnection } from './kafkajs-internals.ts'
import { receivingSocketFactory } from './receiving-socket.ts'
import { encodeRequestHeader } from './request-header.ts'
import type { SaslOptions } from './sasl-options.ts'
import { ownSaslOptions, SaslSession } from './sasl-session.ts'
import { startTimer } from './timer.ts'

export interface KafkajsConnectionSettings {
  readonly ssl: KafkaConfig['ssl'] | null
  readonly sasl: SaslOptions | null
  readonly clientId: string | undefined
  /** The user's. */
  readonly socketFactory: ISocketFactory | undefined
  readonly connectionTimeoutMs: number
  readonly authenticationTimeoutMs: number
  readonly reauthenticationThresholdMs: number | undefined
  readonly enforceRequestTimeout: boolean
  readonly logger: Logger
}

const API_VERSIONS = 18

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
  readonly #session: SaslSession | undefined
  readonly #pending = new Set<PendingRequest>()
  /** Held back, in order, while the session is renewed (KIP-368). */
  readonly #heldBack: PendingRequest[] = []
  #renewing = false
  #closed = false
  /** What the socket said before it closed. */
  #socketError: Error | undefined
  /** Whether the broker has answered more than ApiVersions, which it answers to everybody. */
  #admitted = false

  private constructor(inner: KafkajsConnection, settings: KafkajsConnectionSettings, session: SaslSession | undefined) {
    this.#inner = inner
    this.#session = session
    this.#broker = `${inner.host}:${inner.port}`
    this.#enforceRequestTimeout = settings.enforceRequestTimeout
    // kafkajs leaves Nagle's algorithm on: a small request behind another would wait for the peer's delayed acknowledgement.
    inner.socket?.setNoDelay(true)
    // kafkajs listens to 'end' and 'error' alone; a destroyed socket emits neither, and its requests would wait for ever.
    inner.socket?.once('close', () => this.#break(undefined))
    inner.socket?.on('error', error => {
      this.#socketError = error
    })
  }

  static async open(broker: BrokerAddress, settings: KafkajsConnectionSettings): Promise<KafkajsConnectionAdapter> {
    const inner: KafkajsConnection = new KafkajsConnection({
      host: broker.host,
      port: broker.port,
      rack: broker.rack ?? null,
      ssl: settings.ssl,
      sasl: settings.sasl === null ? null : ownSaslOptions(settings.sasl),
      clientId: settings.clientId,
      socketFactory: settings.socketFactory ?? receivingSocketFactory(chunk => inner.processData(chunk)),
      connectionTimeout: settings.connectionTimeoutMs,
      // kafkajs raises every shorter time-out to its own, and goes on after one. Requests are timed by this class instead.
      requestTimeout: settings.authenticationTimeoutMs,
      enforceRequestTimeout: false,
      maxInFlightRequests: null,
      logger: settings.logger
    })
    calmRequestQueue(inner)
    receiveInto(inner)
    let session: SaslSession | undefined
    try {
      await inner.connect()
      if (settings.sasl !== null) {
        session = new SaslSession(inner, { ...settings, sasl: settings.sasl })
        await session.begin()
      }
    } catch (cause) {
      destroy(inner)
      throw connectError(broker.host, broker.port, settings.ssl !== null && settings.ssl !== false, cause)
    }
    return new KafkajsConnectionAdapter(inner, settings, session)
  }

  get connected(): boolean {
    return !this.#closed && this.#inner.isConnected()
  }

  get flushed(): boolean {
    return this.#inner.socket?.writableLength === 0
  }

  send(request: RequestFrame): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (!this.connected) return reject(this.#failure(request, undefined))
      const pending: PendingRequest = { request, resolve, reject, cancelTimer: undefined }
      this.#pending.add(pending)
      if (this.#enforceRequestTimeout) {
        pending.cancelTimer = startTimer(request.timeoutMs, () => this.#timeOut(pending))
      }
      if (this.#renewing || this.#session?.fresh === false) {
        this.#heldBack.push(pending)
        if (!this.#renewing) void this.#renew(this.#session as SaslSession)
      } else {
        this.#write(pending)
      }
    })
  }

  async close(): Promise<void> {
    this.#break(undefined)
  }

  async #renew(session: SaslSession): Promise<void> {
    this.#renewing = true
    try {
      await session.renew()
    } catch (error) {
      this.#break(error as StreamsError)
    }
    this.#renewing = false
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
            this.#admitted ||= request.apiKey !== API_VERSIONS
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

  #failure(request: RequestFrame, failure: unknown): StreamsError {
    if (isStreamsError(failure)) return failure
    const cause = failure ?? this.#socketError
    // A broker may look at our certificate only when the connection is open already (TLS 1.3).
    const certificate = certificateError(this.#broker, cause)
    if (certificate !== undefined) return certificate
    const reason = cause === undefined ? 'the connection is closed' : reasonOf(cause)
    // To whom a SASL listener has not been introduced, it answers with the end of the connection.
    const stranger = this.#session === undefined && !this.#admitted && request.apiKey !== API_VERSIONS
    const hint = stranger ? " Does its listener want 'sasl'?" : ''
    return new StreamsError(
      'CLIENT_REQUEST_FAILED',
      `${request.apiName} to broker ${this.#broker} was not answered: ${reason}. It may or may not have been carried out.${hint}`,
      { details: { broker: this.#broker, apiName: request.apiName }, ...(cause === undefined ? {} : { cause }) }
    )
  }
}

/** Instead of kafkajs's way, which collects the chunks of an answer and then joins them. */
function receiveInto(inner: KafkajsConnection): void {
  const processAuthentication = inner.processData
  const frames = new AnswerFrames(answer => {
    inner.requestQueue.fulfillRequest({
      correlationId: answer.readInt32BE(0),
      payload: answer.subarray(4),
      size: answer.length
    })
  })
  inner.processData = chunk => {
    // Bytes of a mechanism, of brokers that do not wrap them in requests. kafkajs keeps them.
    if (inner.authHandlers !== null) return processAuthentication.call(inner, Buffer.from(chunk))
    try {
      frames.read(chunk)
    } catch (error) {
      inner.socket?.destroy(error as Error)
    }
  }
}

/** kafkajs waits for open requests, then half-closes; here both ends are done with it. */
function destroy(inner: KafkajsConnection): void {
  inner.rejectRequests(new Error('the connection is closed'))
  inner.socket?.destroy()
  void inner.disconnect().catch(() => {})
}
