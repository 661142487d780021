import {
  type Api,
  ApiVersions,
  decodeResponse,
  encodeRequest,
  type RequestOf,
  type ResponseOf
} from '@millrace/protocol'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { Clock, Logger, Random } from '@millrace/streams/ports'
import { Backoff } from './backoff.ts'
import type { RequestOptions } from './cluster.ts'
import { freeMemory } from './free-memory.ts'
import { KafkaErrorCode } from './kafka-error-code.ts'
import { sleep } from './sleep.ts'
import type { BrokerAddress, Connection, Transport } from './transport.ts'

export interface BrokerLaneOptions {
  readonly transport: Transport
  readonly address: BrokerAddress
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly requestTimeoutMs: number
  readonly reconnectBackoffMs: number
  readonly maxReconnectBackoffMs: number
  /** A connection that nothing was sent on for so long is closed; the next request opens another. */
  readonly connectionsMaxIdleMs: number
}

/** Of being throttled, which goes on while it lasts. */
const MUTE_TOLD_EVERY_MS = 60_000

/** The oldest line that the integration tests run on, as docs/kafka-versions.md says. */
const OLDEST_KAFKA = '3.0'

/** Within what both sides speak. */
type VersionBounds = Pick<RequestOptions, 'minVersion' | 'maxVersion'>

interface OpenConnection {
  readonly connection: Connection
  readonly versions: ReadonlyMap<number, VersionRange>
}

interface VersionRange {
  readonly minVersion: number
  readonly maxVersion: number
}

/**
 * One lane to one broker: a connection that is opened when it is needed and again after it broke. Requests leave in the
 * order of the calls, also those made while the connection opens; an idempotent producer relies on it.
 */
export class BrokerLane {
  readonly address: BrokerAddress
  readonly #options: BrokerLaneOptions
  readonly #backoff: Backoff
  readonly #waiting: { use(open: OpenConnection): void; fail(error: unknown): void }[] = []
  #open: OpenConnection | undefined
  #opening = false
  /** Connected, and the broker has still to tell its versions. */
  #halfOpen: Connection | undefined
  #retryAtMs = 0
  #lastUsedMs = 0
  #cancelIdleTimer: (() => void) | undefined
  #closed = false
  #inFlight = 0
  #retired = false
  /** When the broker gave a sign last, or was asked after it owed nothing. */
  #lastSignMs = 0
  #lastAnswerMs = Number.NEGATIVE_INFINITY
  /** How long the request sent last may take at a broker that is well. */
  #patienceMs = 0
  /** Until when the broker takes nothing from this connection. */
  #mutedUntilMs = 0
  #cancelUnmute: (() => void) | undefined
  #muteToldMs = Number.NEGATIVE_INFINITY

  constructor(options: BrokerLaneOptions) {
    this.address = options.address
    this.#options = options
    this.#backoff = new Backoff(options.reconnectBackoffMs, options.maxReconnectBackoffMs, options.random)
  }

  get connected(): boolean {
    return this.#open?.connection.connected ?? false
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether the broker owes something. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#opening
  }

  /** For how long the broker has given no sign, although it should have. */
  get silentMs(): number {
    if (!this.busy) return 0
    return Math.max(0, this.#options.clock.monotonicMs() - this.#lastSignMs - this.#patienceMs)
  }

  /** When the broker answered last, monotonic. */
  get lastAnswerMs(): number {
    return this.#lastAnswerMs
  }

  /**
   * Sends at once when connected, so that two calls in a row leave in that order. While the broker throttles this
   * client, requests wait (KIP-219): sent, they would wait at the broker, where their time-out runs.
   */
  request<A extends Api>(api: A, body: RequestOf<A>, timeoutMs: number, bounds: VersionBounds): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      this.#withConnection(open => {
        const version = chooseVersion(open, api, bounds, this.address)
        this.#lastUsedMs = this.#options.clock.monotonicMs()
        if (this.#inFlight++ === 0) this.#lastSignMs = this.#lastUsedMs
        this.#patienceMs = Math.max(0, timeoutMs - this.#options.requestTimeoutMs)
        send(open.connection, api, version, body, timeoutMs, this.address)
          .then(answer => {
            this.#lastAnswerMs = this.#options.clock.monotonicMs()
            // Every answer has it, in the versions that tell of it.
            const { throttleTimeMs } = answer as { readonly throttleTimeMs?: number }
            if (throttleTimeMs !== undefined && throttleTimeMs > 0) this.#mute(open, api, throttleTimeMs)
            return answer
          })
          .finally(() => {
            this.#inFlight--
            this.#lastSignMs = this.#options.clock.monotonicMs()
            this.#closeIfRetired()
          })
          .then(resolve, reject)
      }, reject)
    })
  }

  versionFor(api: Api, bounds: VersionBounds): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#withConnection(open => resolve(chooseVersion(open, api, bounds, this.address)), reject)
    })
  }

  /** Closes once the requests made so far are answered: the broker is not in use any more. */
  retire(): void {
    this.#retired = true
    this.#closeIfRetired()
  }

  async close(): Promise<void> {
    await this.#end(closedError(this.address))
  }

  /** Fails what is under way: the broker is gone. */
  abandon(): void {
    void this.#end(goneError(this.address))
  }

  async #end(error: StreamsError): Promise<void> {
    this.#closed = true
    const open = this.#open
    this.#open = undefined
    this.#cancelIdleTimer?.()
    this.#cancelUnmute?.()
    this.#failWaiting(error)
    await Promise.all([open?.connection.close(), this.#halfOpen?.close()])
  }

  #closeIfRetired(): void {
    if (this.#retired && this.#inFlight === 0 && this.#waiting.length === 0 && !this.#opening) void this.close()
  }

  #withConnection(use: (open: OpenConnection) => void, fail: (error: unknown) => void): void {
    if (this.#closed) return fail(this.#retired ? goneError(this.address) : closedError(this.address))
    const connected = this.#open?.connection.connected === true
    if (connected && this.#cancelUnmute === undefined) return attempt(this.#open as OpenConnection, use, fail)
    this.#waiting.push({ use: open => attempt(open, use, fail), fail })
    if (!connected && !this.#opening) void this.#connect()
  }

  /** The broker does not read from this connection for a while. */
  #mute(open: OpenConnection, api: Api, throttleTimeMs: number): void {
    const { clock, logger } = this.#options
    if (open !== this.#open) return
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#muteToldMs >= MUTE_TOLD_EVERY_MS) {
      this.#muteToldMs = nowMs
      logger.warn(`Broker ${nameOf(this.address)} throttles this client: a quota is exceeded.`, {
        api: api.name,
        throttleTimeMs
      })
    }
    this.#mutedUntilMs = Math.max(this.#mutedUntilMs, nowMs + throttleTimeMs)
    if (this.#cancelUnmute !== undefined) return
    const unmute = (): void => {
      this.#cancelUnmute = undefined
      const leftMs = this.#mutedUntilMs - clock.monotonicMs()
      if (leftMs > 0) this.#cancelUnmute = clock.setTimer(leftMs, unmute)
      else if (this.#open?.connection.connected === true) this.#useWaiting(this.#open)
      else if (this.#waiting.length > 0 && !this.#opening) void this.#connect()
      this.#closeIfRetired()
    }
    this.#cancelUnmute = clock.setTimer(throttleTimeMs, unmute)
  }

  async #connect(): Promise<void> {
    this.#opening = true
    const { clock, transport } = this.#options
    this.#patienceMs = 0
    this.#lastSignMs = clock.monotonicMs()
    // What was muted is the connection.
    this.#cancelUnmute?.()
    this.#cancelUnmute = undefined
    this.#mutedUntilMs = 0
    try {
      void this.#open?.connection.close()
      this.#open = undefined
      const waitMs = this.#retryAtMs - clock.monotonicMs()
      if (waitMs > 0) await sleep(clock, waitMs)
      if (this.#closed) throw closedError(this.address)
      const connection = await transport.connect(this.address)
      if (this.#closed) {
        void connection.close()
        throw closedError(this.address)
      }
      let open: OpenConnection
      try {
        this.#halfOpen = connection
        open = { connection, versions: await readVersions(connection, this.#options) }
      } catch (error) {
        void connection.close()
        throw connectError(this.address, error)
      } finally {
        this.#halfOpen = undefined
      }
      if (this.#closed) {
        void connection.close()
        throw closedError(this.address)
      }
      this.#open = open
      this.#lastUsedMs = clock.monotonicMs()
      this.#lastAnswerMs = this.#lastUsedMs
      this.#closeWhenIdle(this.#options.connectionsMaxIdleMs)
      this.#backoff.reset()
      // A connection that opens and breaks at once must not be reopened in a busy loop.
      this.#retryAtMs = clock.monotonicMs() + this.#options.reconnectBackoffMs
      this.#opening = false
      // Nothing may come between these and whatever is sent next: the queue empties in one go.
      this.#useWaiting(open)
      this.#closeIfRetired()
    } catch (error) {
      this.#opening = false
      this.#retryAtMs = clock.monotonicMs() + this.#backoff.nextMs()
      this.#failWaiting(error)
    }
  }

  /** One timer that looks now and then, rather than one that every request sets anew. */
  #closeWhenIdle(afterMs: number): void {
    const { clock, connectionsMaxIdleMs } = this.#options
    this.#cancelIdleTimer?.()
    this.#cancelIdleTimer = clock.setTimer(afterMs, () => {
      const open = this.#open
      if (open === undefined) return
      const leftMs =
        this.#inFlight > 0 ? connectionsMaxIdleMs : this.#lastUsedMs + connectionsMaxIdleMs - clock.monotonicMs()
      if (leftMs > 0) return this.#closeWhenIdle(leftMs)
      this.#open = undefined
      void open.connection.close()
    })
  }

  #useWaiting(open: OpenConnection): void {
    for (const waiting of this.#waiting.splice(0)) waiting.use(open)
  }

  #failWaiting(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error)
  }
}

function attempt(open: OpenConnection, use: (open: OpenConnection) => void, fail: (error: unknown) => void): void {
  try {
    use(open)
  } catch (error) {
    fail(error)
  }
}

async function readVersions(
  connection: Connection,
  options: BrokerLaneOptions
): Promise<ReadonlyMap<number, VersionRange>> {
  const request = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }
  let version = ApiVersions.maxVersion
  for (;;) {
    const body = encodeRequest(ApiVersions, version, request)
    const frame = await sendFrame(connection, ApiVersions, version, body, options.requestTimeoutMs)
    // A broker that does not know the version answers in version 0; the error code comes first in every version.
    const unsupported = version > 0 && frame.length >= 2 && frame.readInt16BE(0) === KafkaErrorCode.UNSUPPORTED_VERSION
    const answer = decodeResponse(ApiVersions, unsupported ? 0 : version, frame)
    if (unsupported) {
      const known = answer.apiKeys.find(range => range.apiKey === ApiVersions.key)
      version = Math.min(version - 1, known?.maxVersion ?? 0)
      continue
    }
    if (answer.errorCode !== KafkaErrorCode.NONE) {
      throw new StreamsError('CLIENT_PROTOCOL_ERROR', `ApiVersions was answered with error code ${answer.errorCode}.`)
    }
    return new Map(answer.apiKeys.map(range => [range.apiKey, range]))
  }
}

function chooseVersion(open: OpenConnection, api: Api, bounds: VersionBounds, broker: BrokerAddress): number {
  const range = open.versions.get(api.key)
  const minVersion = Math.max(api.minVersion, bounds.minVersion ?? 0)
  const maxVersion = Math.min(api.maxVersion, bounds.maxVersion ?? api.maxVersion)
  const version = Math.min(maxVersion, range?.maxVersion ?? -1)
  if (range !== undefined && version >= minVersion && version >= range.minVersion) return version
  const theirs = range === undefined ? 'does not know it' : `speaks ${range.minVersion} to ${range.maxVersion}`
  throw new StreamsError(
    'CLIENT_UNSUPPORTED_VERSION',
    `${api.name} is needed in version ${minVersion} to ${maxVersion}, but broker ${nameOf(broker)} ${theirs}. ` +
      `Use brokers of Kafka ${OLDEST_KAFKA} or newer.`,
    {
      details: {
        api: api.name,
        minVersion,
        maxVersion,
        broker: nameOf(broker),
        brokerMinVersion: range?.minVersion,
        brokerMaxVersion: range?.maxVersion
      }
    }
  )
}

function sendFrame(
  connection: Connection,
  api: Api,
  version: number,
  body: Buffer,
  timeoutMs: number
): Promise<Buffer> {
  const flexible = version >= api.flexibleFrom
  return connection.send({
    apiKey: api.key,
    apiVersion: version,
    apiName: api.name,
    body,
    flexibleRequest: flexible,
    // So that an answer in version 0 can be told from one in the version asked for.
    flexibleResponse: flexible && api.key !== ApiVersions.key,
    timeoutMs
  })
}

async function send<A extends Api>(
  connection: Connection,
  api: A,
  version: number,
  body: RequestOf<A>,
  timeoutMs: number,
  broker: BrokerAddress
): Promise<ResponseOf<A>> {
  const bytes = encodeRequest(api, version, body)
  const frame = await sendFrame(connection, api, version, bytes, timeoutMs)
  if (connection.flushed === true) freeMemory(bytes)
  try {
    return decodeResponse(api, version, frame)
  } catch (cause) {
    throw new StreamsError(
      'CLIENT_PROTOCOL_ERROR',
      `Broker ${nameOf(broker)} answered ${api.name} version ${version} with ${frame.length} bytes that cannot be decoded. ` +
        'Is it a Kafka broker?',
      { cause, details: { api: api.name, version, broker: nameOf(broker) } }
    )
  }
}

function connectError(broker: BrokerAddress, cause: unknown): StreamsError {
  if (isStreamsError(cause) && cause.action === 'stop') return cause
  return new StreamsError(
    'CLIENT_CONNECT_FAILED',
    `Broker ${nameOf(broker)} accepted the connection but did not tell its API versions. Is it a Kafka broker, and does its listener expect TLS?`,
    { cause, details: { host: broker.host, port: broker.port } }
  )
}

function closedError(broker: BrokerAddress): StreamsError {
  return new StreamsError('CLIENT_CLOSED', `The connection to broker ${nameOf(broker)} was closed by this client.`)
}

function goneError(broker: BrokerAddress): StreamsError {
  return new StreamsError(
    'CLIENT_CONNECT_FAILED',
    `Broker ${nameOf(broker)} is gone: the cluster does not name it any more.`
  )
}

/** As it stands in messages and as a key: `host:port`. */
export function nameOf(broker: BrokerAddress): string {
  return `${broker.host}:${broker.port}`
}
