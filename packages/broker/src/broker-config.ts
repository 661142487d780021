import { DEFAULT_GROUP_CONFIG, type GroupConfig } from './groups/group-config.ts'
import { DEFAULT_TRANSACTION_CONFIG, type TransactionConfig } from './transactions/transaction-config.ts'

/** Settings of the broker, after those of Kafka named in brackets. Defaults are Kafka's unless said otherwise. */
export interface BrokerConfig extends GroupConfig, TransactionConfig {
  /** Whether Metadata makes missing topics that a client asks for [auto.create.topics.enable]. */
  readonly autoCreateTopics: boolean
  /** Of topics that are created without a count [num.partitions]. */
  readonly defaultPartitionCount: number
  /** A larger request closes the connection [socket.request.max.bytes]. */
  readonly maxRequestBytes: number
  /** Upper bound of one Fetch answer's records, whatever is asked for [fetch.max.bytes]. */
  readonly maxFetchBytes: number
  /** A connection that is silent, or does not read its answer, for this long is closed [connections.max.idle.ms]. */
  readonly maxConnectionIdleMs: number
  /**
   * How often retention and compaction are looked after [log.retention.check.interval.ms, log.cleaner.backoff.ms].
   * Default 15,000, Kafka's for compaction.
   */
  readonly logCleanupIntervalMs: number
  /** How long the state of an idle producer is kept [producer.id.expiration.ms]. */
  readonly producerIdExpirationMs: number
  /** Without a data directory: bytes of records kept in all, above which Produce answers KAFKA_STORAGE_ERROR. Ours. */
  readonly maxMemoryBytes: number
  /** Topic settings where a topic has none of its own, as text [log.*]. */
  readonly topicDefaults: Readonly<Record<string, string>>
}

export const DEFAULT_BROKER_CONFIG: BrokerConfig = {
  ...DEFAULT_GROUP_CONFIG,
  ...DEFAULT_TRANSACTION_CONFIG,
  autoCreateTopics: true,
  defaultPartitionCount: 1,
  maxRequestBytes: 104_857_600,
  maxFetchBytes: 57_671_680,
  maxConnectionIdleMs: 600_000,
  logCleanupIntervalMs: 15_000,
  producerIdExpirationMs: 86_400_000,
  maxMemoryBytes: 1_073_741_824,
  topicDefaults: {}
}
