/**
 * Carries request frames to brokers and brings their answers back: connections, TLS, authentication. It knows nothing
 * of what the frames mean.
 */
export interface Transport {
  /**
   * Addresses to begin with. Asked again whenever no known broker answers, so they may come from a service registry.
   *
   * @throws StreamsError `CONFIG_INVALID`, `CLIENT_CONNECT_FAILED`
   */
  bootstrap(): Promise<readonly BrokerAddress[]>
  /** What the user configured on the transport and the cluster should follow. */
  readonly defaults?: TransportDefaults
  /**
   * Whether an answer of more than 1 KiB is in memory of its own, of which nobody has a view but who asked: it is then freed before
   * the collector would. Default false.
   */
  readonly answersAreOwn?: boolean
  /**
   * Opens one authenticated connection. Each call makes a new one.
   *
   * @throws StreamsError `CLIENT_CONNECT_FAILED`, `CLIENT_AUTHENTICATION_FAILED`
   */
  connect(broker: BrokerAddress): Promise<Connection>
}

export interface TransportDefaults {
  readonly requestTimeoutMs?: number | undefined
  /** Wait before the second attempt to reach a broker; doubles from there. */
  readonly reconnectBackoffMs?: number | undefined
  readonly maxReconnectBackoffMs?: number | undefined
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
  readonly rack?: string | undefined
}

/** Answers come in the order of the requests: a long poll delays what is sent after it, so fetches have a connection of their own. */
export interface Connection {
  readonly connected: boolean
  /**
   * Whether all that was sent has left, and nothing is kept of it: a request that is answered is then freed before the collector
   * would. Undefined: it is left to that.
   */
  readonly flushed?: boolean
  /**
   * Sends one request and resolves to the body of its answer, that is, without size, correlation id and header tags.
   *
   * @throws StreamsError `CLIENT_REQUEST_TIMED_OUT`; `CLIENT_REQUEST_FAILED` when the connection broke. In both cases the
   *   request may or may not have been carried out.
   */
  send(request: RequestFrame): Promise<Buffer>
  close(): Promise<void>
}

export interface RequestFrame {
  readonly apiKey: number
  readonly apiVersion: number
  /** For logs, for example `Fetch`. */
  readonly apiName: string
  /** The body after the request header. */
  readonly body: Uint8Array
  /** Whether the request header is version 2, with tagged fields. */
  readonly flexibleRequest: boolean
  /** Whether the response header is version 1, with tagged fields. ApiVersions never has them. */
  readonly flexibleResponse: boolean
  readonly timeoutMs: number
}
