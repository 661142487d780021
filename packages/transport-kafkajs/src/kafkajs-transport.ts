import { createSecureContext } from 'node:tls'
import { type BrokerAddress, type Connection, type Transport, type TransportDefaults } from '@millrace/client'
import { StreamsError } from '@millrace/streams/core'
import type { KafkaConfig, Logger } from 'kafkajs'
import { parseBrokerAddress } from './broker-address.ts'
import { KafkajsConnectionAdapter, type KafkajsConnectionSettings } from './kafkajs-connection.ts'
import { reasonOf } from './connection-errors.ts'
import { consoleLogCreator, createLogger, LEVELS } from './kafkajs-internals.ts'
import { checkSaslOptions } from './sasl-options.ts'

/** The options of kafkajs's `new Kafka({ ... })`, with the same meaning. */
export type KafkajsTransportOptions = KafkaConfig

/**
 * Carries Millrace's requests over kafkajs's connections: its sockets, TLS, SASL mechanisms and re-authentication.
 *
 * Takes what `new Kafka({ ... })` takes. `requestTimeout` is the default of requests that name none; `retry` gives the
 * waits between attempts to reach a broker (`initialRetryTime`, `maxRetryTime`), which go on until the client is closed.
 *
 * A session that ends (`connections.max.reauth.ms`, or a token's life) is renewed on the same connection, without `reauthenticationThreshold`
 * when nine tenths of it are over.
 *
 * @throws StreamsError `CONFIG_INVALID` when `brokers` is missing, empty or not `host:port`, or `ssl` or `sasl` cannot be used;
 *   `CONFIG_UNKNOWN_OPTION` for one of `sasl` that its mechanism does not have.
 */
export function kafkajsTransport(options: KafkajsTransportOptions): Transport {
  return new KafkajsTransport(options)
}

class KafkajsTransport implements Transport {
  readonly defaults: TransportDefaults
  /** `AnswerFrames` sees to it. */
  readonly answersAreOwn = true
  readonly #brokers: KafkaConfig['brokers']
  readonly #settings: KafkajsConnectionSettings

  constructor(options: KafkajsTransportOptions) {
    this.#brokers = options.brokers
    if (typeof options.brokers !== 'function') parseBrokers(options.brokers)
    if (options.sasl !== undefined) checkSaslOptions(options.sasl)
    if (options.ssl !== undefined) checkTlsOptions(options.ssl)
    this.#settings = {
      ssl: options.ssl ?? null,
      sasl: options.sasl ?? null,
      clientId: options.clientId,
      socketFactory: options.socketFactory,
      connectionTimeoutMs: options.connectionTimeout ?? 1000,
      authenticationTimeoutMs: options.authenticationTimeout ?? 10_000,
      reauthenticationThresholdMs: options.reauthenticationThreshold,
      enforceRequestTimeout: options.enforceRequestTimeout ?? true,
      logger: createKafkajsLogger(options)
    }
    this.defaults = {
      requestTimeoutMs: options.requestTimeout,
      reconnectBackoffMs: options.retry?.initialRetryTime,
      maxReconnectBackoffMs: options.retry?.maxRetryTime
    }
  }

  async bootstrap(): Promise<readonly BrokerAddress[]> {
    if (typeof this.#brokers !== 'function') return parseBrokers(this.#brokers)
    let brokers: readonly string[]
    try {
      brokers = await this.#brokers()
    } catch (cause) {
      throw new StreamsError(
        'CLIENT_CONNECT_FAILED',
        `The function given as 'brokers' threw: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause }
      )
    }
    // A registry may know nobody for a moment; a list that was written down stays as it is.
    if (Array.isArray(brokers) && brokers.length === 0) {
      throw new StreamsError(
        'CLIENT_CONNECT_FAILED',
        "The function given as 'brokers' named no broker. It is asked again with the next attempt."
      )
    }
    return parseBrokers(brokers)
  }

  async connect(broker: BrokerAddress): Promise<Connection> {
    return await KafkajsConnectionAdapter.open(broker, this.#settings)
  }
}

function parseBrokers(brokers: readonly string[]): readonly BrokerAddress[] {
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `'brokers' names no broker. Give at least one, for example ['localhost:9092'].`,
      { details: { brokers } }
    )
  }
  return brokers.map(parseBrokerAddress)
}

/** Keys and certificates that cannot be read are told at once, not with every attempt to connect. */
function checkTlsOptions(ssl: NonNullable<KafkaConfig['ssl']>): void {
  if (typeof ssl === 'boolean') return
  if (typeof ssl !== 'object') {
    throw new StreamsError('CONFIG_INVALID', "'ssl' must be true, false, or an object of Node's TLS options.")
  }
  try {
    createSecureContext(ssl)
  } catch (cause) {
    throw new StreamsError('CONFIG_INVALID', `The options in 'ssl' cannot be used: ${reasonOf(cause)}.`, { cause })
  }
}

/**
 * kafkajs logs each refused connection itself, at level error; here it is an error that the caller gets, and reports once.
 * So kafkajs stays silent unless a level or a log creator is given.
 */
function createKafkajsLogger({ logLevel, logCreator }: KafkajsTransportOptions): Logger {
  const level = logLevel ?? (logCreator === undefined ? LEVELS.NOTHING : LEVELS.INFO)
  return createLogger({ level, logCreator: logCreator ?? consoleLogCreator })
}
