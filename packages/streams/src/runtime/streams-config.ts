import type { Compression } from '../ports/index.ts'
import type { ErrorHandler, ErrorHandlers } from './error-handlers.ts'

/** What an application does, and how much of what it may use. */
export interface StreamsConfig {
  /**
   * Consumer group, and prefix of internal topics, transactional ids and the state directory: letters, digits, `.`, `_`, `-`.
   *
   * @see Kafka Streams `application.id`
   */
  readonly applicationId: string
  /**
   * `exactly_once` is Kafka's version 2: state, output and offsets in one transaction.
   *
   * @default `at_least_once`
   * @see Kafka Streams `processing.guarantee`
   */
  readonly processingGuarantee?: 'at_least_once' | 'exactly_once'
  /**
   * Time between two commits. Under `exactly_once` it has to be below `transactionTimeoutMs`.
   *
   * @range 1 to 2,147,483,647
   * @default 30,000; under `exactly_once` 100
   * @see Kafka Streams `commit.interval.ms`
   */
  readonly commitIntervalMs?: number
  /**
   * Record caches of all tasks together; 0 switches caching off.
   *
   * @range 0 to 9,007,199,254,740,991
   * @default 10,485,760
   * @see Kafka Streams `statestore.cache.max.bytes`
   */
  readonly cacheBytes?: number
  /**
   * Uncommitted writes and cached reads of all tasks together; when they exceed it, a commit is made early.
   *
   * @range 1,048,576 to 9,007,199,254,740,991
   * @default 67,108,864
   */
  readonly stateMemoryBytes?: number
  /**
   * Fetched and not yet processed, over all partitions.
   *
   * @range 1 to 2,147,483,647
   * @default 16,777,216
   * @see Kafka Streams `input.buffer.max.bytes`
   */
  readonly inputBufferBytes?: number
  /**
   * 0 waits for an empty input while the broker holds records for it; -1 never waits; n waits n ms longer (KIP-695).
   *
   * @range -1 to 2,147,483,647
   * @default 0
   * @see Kafka Streams `max.task.idle.ms`
   */
  readonly maxTaskIdleMs?: number
  /**
   * Where an input partition begins that has no committed offset, or one whose record the broker has no more. `none`: the application ends.
   *
   * @default `earliest`
   * @see Kafka `auto.offset.reset`
   */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /**
   * Replicas of internal topics when they are created; -1 is the broker's default, 0 is refused.
   *
   * @range -1 to 32,767
   * @default -1
   * @see Kafka Streams `replication.factor`
   */
  readonly replicationFactor?: number
  /**
   * Settings of all internal topics when they are created, such as `{ 'min.insync.replicas': '2' }`. What a store gives as its
   * `changelog` goes before it; `cleanup.policy`, `retention.ms`, `retention.bytes` and `message.timestamp.type` cannot be given here. Topics that exist are left as they are.
   *
   * @default none
   * @see Kafka Streams `topic.*`
   */
  readonly internalTopicConfigs?: Readonly<Record<string, string>>
  /**
   * What happens when the topology has changed so that a store or repartition topic would be taken for another one, or a
   * generated name got another number. `fail`: `TOPOLOGY_CHANGED` before anything is processed. `accept`: it
   * is logged, and from then on holds; take it out again after that start, since it accepts the next change, too. `ignore`:
   * nothing is compared, nor noted in the topic `<applicationId>-millrace-topology-changelog`, which is not created.
   *
   * @default `fail`
   */
  readonly onTopologyChange?: 'fail' | 'accept' | 'ignore'
  /**
   * Under `exactly_once`: a transaction that is open for longer is ended by its coordinator. Brokers allow up to their
   * `transaction.max.timeout.ms`, 900,000 unless set otherwise.
   *
   * @range 1 to 2,147,483,647
   * @default 10,000
   * @see Kafka `transaction.timeout.ms`
   */
  readonly transactionTimeoutMs?: number
  /**
   * A process that sends no heartbeat for so long loses its tasks. Brokers allow `group.min.session.timeout.ms` to
   * `group.max.session.timeout.ms`, 6,000 to 1,800,000 unless set otherwise.
   *
   * @range 10 to 2,147,483,647
   * @default 45,000
   * @see Kafka `session.timeout.ms`
   */
  readonly sessionTimeoutMs?: number
  /**
   * Time between two heartbeats; it has to be below `sessionTimeoutMs`.
   *
   * @range 1 to 2,147,483,647
   * @default a third of `sessionTimeoutMs`, at most 3,000
   * @see Kafka `heartbeat.interval.ms`
   */
  readonly heartbeatIntervalMs?: number
  /**
   * How long a process may take, when tasks are moved, to commit and give up its own. One that is busy for longer while nothing
   * is moved stays a member, as long as its heartbeats go on.
   *
   * @range 1 to 2,147,483,647
   * @default 300,000
   * @see Kafka `max.poll.interval.ms`
   */
  readonly rebalanceTimeoutMs?: number
  /**
   * Static membership (KIP-345): unique to this process, stable across its restarts. When it comes back within
   * `sessionTimeoutMs` it has its tasks again, and no other process is disturbed. Of two processes with one id the older ends
   * with `GROUP_INSTANCE_FENCED`. Up to 249 letters, digits, `.`, `_`, `-`.
   *
   * @default none: a member is a new one with each start
   * @see Kafka `group.instance.id`
   */
  readonly groupInstanceId?: string
  /**
   * How often records of repartition topics below the committed offsets are deleted.
   *
   * @range 1 to 2,147,483,647
   * @default 30,000
   * @see Kafka Streams `repartition.purge.interval.ms`
   */
  readonly repartitionPurgeIntervalMs?: number
  /**
   * Age at which what is known of topics and their leaders is read anew, when it is used; how often sources that are patterns look
   * for new topics, and all sources for new partitions, and how soon records go to new partitions of an output topic; how long a
   * follower is read from before the leader is asked again.
   *
   * @range 1 to 2,147,483,647
   * @default 60,000
   * @see Kafka `metadata.max.age.ms`
   */
  readonly metadataMaxAgeMs?: number
  /**
   * Bytes that no serde can read: `fail`, `continue`, `dead-letter`, or a function that returns one of these.
   *
   * @default `fail`
   * @see Kafka Streams `deserialization.exception.handler`
   */
  readonly onDeserializationError?: ErrorHandler
  /**
   * A function of the topology that throws.
   *
   * @default `fail`
   * @see Kafka Streams `processing.exception.handler`
   */
  readonly onProcessingError?: ErrorHandler
  /**
   * A record that cannot be written: no serde can, it is too large, or a broker refuses it. What a broker refuses for a
   * changelog, a repartition topic or `deadLetterTopic` always fails, without the handler being asked.
   *
   * @default `fail`
   * @see Kafka Streams `production.exception.handler`
   */
  readonly onProductionError?: ErrorHandler
  /**
   * Where `dead-letter` puts records. It has to exist.
   *
   * @default none
   * @see Kafka Streams `errors.dead.letter.queue.topic.name`
   */
  readonly deadLetterTopic?: string
  /** How inputs, changelogs and topics of global tables are fetched. */
  readonly consumer?: ConsumerConfig
  /** How outputs and changelogs are written. */
  readonly producer?: ProducerConfig
}

/** How records are fetched. Each broker is asked for all partitions that it leads together. */
export interface ConsumerConfig {
  /**
   * Bytes that a broker waits for before it answers. More makes for fewer requests, and for waits of up to `fetchMaxWaitMs`.
   *
   * @range 1 to 2,147,483,647
   * @default 1
   * @see Kafka `fetch.min.bytes`
   */
  readonly fetchMinBytes?: number
  /**
   * How long a broker waits for `fetchMinBytes`.
   *
   * @range 0 to 2,147,483,647
   * @default 500
   * @see Kafka `fetch.max.wait.ms`
   */
  readonly fetchMaxWaitMs?: number
  /**
   * Bytes of one answer, at most `inputBufferBytes`. A first batch that is larger comes whole.
   *
   * @range 1 to 2,147,483,647
   * @default 4,194,304
   * @see Kafka `fetch.max.bytes`
   */
  readonly fetchMaxBytes?: number
  /**
   * Bytes of one partition in an answer. A first batch that is larger comes whole.
   *
   * @range 1 to 2,147,483,647
   * @default 1,048,576
   * @see Kafka `max.partition.fetch.bytes`
   */
  readonly maxPartitionFetchBytes?: number
}

/** How records are written: always idempotently, and acknowledged by all replicas in sync (`acks=all`). */
export interface ProducerConfig {
  /**
   * How long a batch that is not full waits for more records. A commit does not wait for it.
   *
   * @range 0 to 2,147,483,647
   * @default 5
   * @see Kafka `linger.ms`
   */
  readonly lingerMs?: number
  /**
   * Uncompressed bytes of one batch; at most `maxRequestBytes`.
   *
   * @range 1 to 2,147,483,647
   * @default 262,144
   * @see Kafka `batch.size`
   */
  readonly batchBytes?: number
  /**
   * The largest request; a single record above it is `RECORD_TOO_LARGE`.
   *
   * @range 1 to 2,147,483,647
   * @default 1,048,576
   * @see Kafka `max.request.size`
   */
  readonly maxRequestBytes?: number
  /**
   * Of batches for all topics that `compressionByTopic` does not name: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
   *
   * @default `none`
   * @see Kafka `compression.type`
   */
  readonly compression?: Compression
  /**
   * Of batches for single topics, by their full names: outputs, and internal topics such as
   * `<applicationId>-<store>-changelog`. A topic that the topology does not write is refused.
   *
   * @default none
   */
  readonly compressionByTopic?: Readonly<Record<string, Compression>>
  /**
   * Bytes appended and not acknowledged; above it processing waits.
   *
   * @range 1 to 2,147,483,647
   * @default 33,554,432
   * @see Kafka `buffer.memory`
   */
  readonly bufferBytes?: number
  /**
   * From the append to giving up. At least `lingerMs` and `requestTimeoutMs` together.
   *
   * @range 1 to 2,147,483,647
   * @default 120,000, or `lingerMs` and `requestTimeoutMs` together if that is more
   * @see Kafka `delivery.timeout.ms`
   */
  readonly deliveryTimeoutMs?: number
  /**
   * How long a commit, an abort and the start of transactions go on trying.
   *
   * @range 1 to 2,147,483,647
   * @default 60,000
   * @see Kafka `max.block.ms`
   */
  readonly maxBlockMs?: number
}

/** A config with every default filled in. */
export type ResolvedConfig = Required<
  Omit<StreamsConfig, 'groupInstanceId' | 'heartbeatIntervalMs' | 'deadLetterTopic'>
> & {
  readonly groupInstanceId: string | undefined
  readonly heartbeatIntervalMs: number | undefined
  readonly deadLetterTopic: string | undefined
  readonly exactlyOnce: boolean
  readonly handlers: ErrorHandlers
}

/** Every option there is; a misspelt one is refused rather than ignored. */
export const STREAMS_OPTIONS = [
  'applicationId',
  'processingGuarantee',
  'commitIntervalMs',
  'cacheBytes',
  'stateMemoryBytes',
  'inputBufferBytes',
  'maxTaskIdleMs',
  'autoOffsetReset',
  'replicationFactor',
  'internalTopicConfigs',
  'onTopologyChange',
  'transactionTimeoutMs',
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'rebalanceTimeoutMs',
  'groupInstanceId',
  'repartitionPurgeIntervalMs',
  'metadataMaxAgeMs',
  'onDeserializationError',
  'onProcessingError',
  'onProductionError',
  'deadLetterTopic',
  'consumer',
  'producer'
] as const satisfies readonly (keyof StreamsConfig)[]

export const CONSUMER_OPTIONS = [
  'fetchMinBytes',
  'fetchMaxWaitMs',
  'fetchMaxBytes',
  'maxPartitionFetchBytes'
] as const satisfies readonly (keyof ConsumerConfig)[]

export const PRODUCER_OPTIONS = [
  'lingerMs',
  'batchBytes',
  'maxRequestBytes',
  'compression',
  'compressionByTopic',
  'bufferBytes',
  'deliveryTimeoutMs',
  'maxBlockMs'
] as const satisfies readonly (keyof ProducerConfig)[]
