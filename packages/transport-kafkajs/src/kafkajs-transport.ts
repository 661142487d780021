import { type BrokerAddress, type Connection, type Transport, type TransportDefaults } from '@millrace/client'
import { StreamsError } from '@millrace/streams/core'
import type { KafkaConfig, Logger } from 'kafkajs'
import { parseBrokerAddress } from './broker-address.ts'
import { KafkajsConnectionAdapter, type KafkajsConnectionSettings } from './kafkajs-connection.ts'
import { consoleLogCreator, createLogger, defaultSocketFactory, LEVELS } from './kafkajs-internals.ts'

/** The options of kafkajs's `new Kafka({ ... })`, with the same meaning. */
export type KafkajsTransportOptions = KafkaConfig

/**
 * Carries Millrace's requests over kafkajs's connections: its sockets, TLS, SASL mechanisms and re-authentication.
 *
 * Takes what `new Kafka({ ... })` takes. `requestTimeout` is the default of requests that name none; `retry` gives the
 * waits between attempts to reach a broker (`initialRetryTime`, `maxRetryTime`), which go on until the client is closed.
 *
 * @throws StreamsError `CONFIG_INVALID` when `brokers` is missing, empty or not `host:port`.
 */
export function kafkajsTransport(options: KafkajsTransportOptions): Transport {
  return new KafkajsTransport(options)
}

class KafkajsTransport implements Transport {
  readonly defaults: TransportDefaults
  readonly #brokers: KafkaConfig['brokers']
  readonly #settings: KafkajsConnectionSettings

  constructor(options: KafkajsTransportOptions) {
    this.#brokers = options.brokers
    if (typeof options.brokers !== 'function') parseBrokers(options.brokers)
    this.#settings = {
      ssl: options.ssl ?? null,
      sasl: options.sasl ?? null,
      clientId: options.clientId,
      socketFactory: options.socketFactory ?? defaultSocketFactory(),
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

/**
 * kafkajs logs each refused connection itself, at level error; here it is an error that the caller gets, and reports once.
 * So kafkajs stays silent unless a level or a log creator is given.
 */
function createKafkajsLogger({ logLevel, logCreator }: KafkajsTransportOptions): Logger {
  const level = logLevel ?? (logCreator === undefined ? LEVELS.NOTHING : LEVELS.INFO)
  return createLogger({ level, logCreator: logCreator ?? consoleLogCreator })
}
