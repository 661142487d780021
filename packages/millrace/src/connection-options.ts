import type { Logger } from '@millrace/streams/ports'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'

/** Where Kafka is, and how it is reached. */
export interface ConnectionOptions {
  /**
   * `host:port` of some brokers. Short for `kafka: { brokers }`.
   *
   * @see Kafka `bootstrap.servers`
   */
  readonly brokers?: readonly string[]
  /** What kafkajs's `new Kafka({ … })` takes: `ssl`, `sasl`, `clientId`, `socketFactory` and others of the list below. */
  readonly kafka?: KafkajsTransportOptions
  /**
   * How long an answer may take, besides what a request itself waits for, before the connection is given up and the request made
   * anew. Also what brokers are given to wait for their replicas.
   *
   * @range 1 to 2,147,483,647
   * @default 30,000
   * @see Kafka `request.timeout.ms`
   */
  readonly requestTimeoutMs?: number
  /**
   * Wait before the second attempt at whatever may pass. It doubles from attempt to attempt, each up to a fifth shorter or longer.
   * Only what has to wait for the end of the transaction before, which takes milliseconds, is asked for sooner.
   *
   * @range 1 to 2,147,483,647
   * @default 100
   * @see Kafka `retry.backoff.ms`
   */
  readonly retryBackoffMs?: number
  /**
   * The longest of these waits; at least `retryBackoffMs`.
   *
   * @range 1 to 2,147,483,647
   * @default 1,000
   * @see Kafka `retry.backoff.max.ms`
   */
  readonly retryBackoffMaxMs?: number
  /**
   * A connection on which nothing was sent for so long is closed, and opened again when it is needed.
   *
   * @range 1 to 2,147,483,647
   * @default 540,000
   * @see Kafka `connections.max.idle.ms`
   */
  readonly connectionsMaxIdleMs?: number
  /**
   * The rack, or zone, of this process, named as brokers name theirs in `broker.rack`. Where brokers have a
   * `replica.selector.class` that heeds it, partitions are read from followers in that rack (KIP-392); from the leader when
   * there is none, it fails or lags behind.
   *
   * @default none: leaders are read from
   * @see Kafka `client.rack`
   */
  readonly clientRack?: string
  /**
   * Methods `debug`, `info`, `warn` and `error`, each with a message and fields.
   *
   * @default warnings and errors go to stderr
   */
  readonly logger?: Logger
}

/** What is taken of kafkajs's options. */
export interface KafkaConnectionOptions {
  /**
   * As `brokers`; or a function that gives them, asked again whenever no known broker answers. It has `requestTimeoutMs` for it;
   * when it names none, throws or takes longer, that is a failed connection (`CLIENT_CONNECT_FAILED`), which is tried again.
   *
   * @see Kafka `bootstrap.servers`
   */
  readonly brokers?: KafkajsTransportOptions['brokers']
  /**
   * `true`, or what Node's `tls.connect` takes: `ca`, `cert`, `key`, `servername`, …
   *
   * @default none: plain text
   * @see Kafka `security.protocol` and `ssl.*`
   */
  readonly ssl?: KafkajsTransportOptions['ssl']
  /**
   * `{ mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', username, password }`,
   * `{ mechanism: 'oauthbearer', oauthBearerProvider }`, `{ mechanism: 'aws', … }`, or
   * `{ mechanism, authenticationProvider }` for one of your own.
   *
   * @default none
   * @see Kafka `sasl.mechanism` and `sasl.jaas.config`
   */
  readonly sasl?: KafkajsTransportOptions['sasl']
  /**
   * The name of this client in brokers' logs, quotas and metrics.
   *
   * @default the application's id; `kafkajs` where there is none
   * @see Kafka `client.id`
   */
  readonly clientId?: string
  /**
   * How long a connection may take to open, in milliseconds.
   *
   * @range 1 to 2,147,483,647
   * @default 1,000
   * @see Kafka `socket.connection.setup.timeout.ms`
   */
  readonly connectionTimeout?: number
  /**
   * How long authentication may take, in milliseconds.
   *
   * @range 1 to 2,147,483,647
   * @default 10,000
   */
  readonly authenticationTimeout?: number
  /**
   * So long before a session ends the credentials are sent again (KIP-368), in milliseconds; at most half of the session.
   *
   * @range 1 to 2,147,483,647
   * @default a tenth of the session
   */
  readonly reauthenticationThreshold?: number
  /**
   * The same as `requestTimeoutMs`; only one of them may be given.
   *
   * @range 1 to 2,147,483,647
   * @default 30,000
   */
  readonly requestTimeout?: number
  /**
   * `false` waits for answers for ever. Not for production.
   *
   * @default `true`
   */
  readonly enforceRequestTimeout?: boolean
  /**
   * `{ initialRetryTime, maxRetryTime }`: first and longest wait, in milliseconds, between attempts to reach a broker, which go on
   * until the client is closed; the first is at most the longest. kafkajs's other fields of `retry` are refused: nothing here would listen to them.
   *
   * @default `{ initialRetryTime: 50, maxRetryTime: 1000 }`
   * @see Kafka `reconnect.backoff.ms` and `reconnect.backoff.max.ms`
   */
  readonly retry?: KafkajsTransportOptions['retry']
  /**
   * Makes the sockets, for example through a proxy.
   *
   * @default Node's `net` and `tls`
   */
  readonly socketFactory?: KafkajsTransportOptions['socketFactory']
  /**
   * How much kafkajs itself logs about its connections: one of its `logLevel`, such as `logLevel.DEBUG`, a number.
   *
   * @default nothing
   */
  readonly logLevel?: KafkajsTransportOptions['logLevel']
  /**
   * Where kafkajs logs to.
   *
   * @default its console
   */
  readonly logCreator?: KafkajsTransportOptions['logCreator']
}
