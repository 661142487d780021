import type { Headers } from '../core/index.ts'

/**
 * What the runtime needs of Kafka. Everything that a record passes is synchronous and allocates nothing per record;
 * promises are at the edges. Implemented by `@millrace/client` over a Transport, and by in-memory stand-ins in tests.
 */
export interface KafkaClient {
  /**
   * Connects and reads the cluster's metadata.
   *
   * @param options - `timeoutMs`: for so long what may pass is tried again; default: once.
   * @throws StreamsError `CLIENT_CONNECT_FAILED` naming every broker tried.
   */
  connect(options?: { readonly timeoutMs?: number }): Promise<void>
  readonly admin: KafkaAdmin
  // What options cannot mean is refused in these three with `CONFIG_INVALID` or `CONFIG_UNKNOWN_OPTION`.
  /** A set of partitions read side by side, without a group. */
  createFetcher(options: FetcherOptions): Fetcher
  /** One idempotent producer; transactional when it is given an id. */
  createProducer(options: ProducerOptions): Promise<RecordProducer>
  joinGroup(options: GroupOptions): GroupMember
  close(): Promise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export type IsolationLevel = 'read_committed' | 'read_uncommitted'

// ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FetcherOptions {
  readonly isolation: IsolationLevel
  /**
   * Bytes fetched and not yet consumed, over all partitions. Above it no fetch is sent until `next` has freed some;
   * one fetch may exceed it by its own size.
   */
  readonly maxBufferedBytes: number
  /** How long a broker waits for `minBytes`. Default 500. */
  readonly maxWaitMs?: number | undefined
  /** Bytes that a broker waits for, over the partitions of a request. Default 1. */
  readonly minBytes?: number | undefined
  /** Bytes of one answer, at most; a first batch above it comes whole. Default 4 MiB, and never more than `maxBufferedBytes`. */
  readonly maxBytes?: number | undefined
  /** Bytes of one partition in an answer, at most; a first batch above it comes whole. Default 1 MiB. */
  readonly partitionMaxBytes?: number | undefined
  /**
   * Whether memory is freed as soon as it was read, where the transport allows it: nobody keeps a view of a record's bytes beyond
   * the next call of `next`. Default false: the collector frees it, in time.
   */
  readonly freesRead?: boolean | undefined
}

/** Fetches by itself, ahead of what is read, following leaders and retrying. */
export interface Fetcher {
  /**
   * Starts reading at `offset`. A partition that is there already is moved.
   *
   * @param leaderEpoch - Of the record before `offset`, as it was read: a log that was cut off below, and written anew, is then noticed
   *   (KIP-320). Default -1: unknown.
   */
  add(partition: TopicPartition, offset: number, leaderEpoch?: number): PartitionReader
  remove(partition: TopicPartition): void
  /** Resolves when some reader has got news (records, or a newer high watermark) since the last call, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void>
  /** Ends a pending `wait` now. */
  wake(): void
  readonly bufferedBytes: number
  /** Closed, by its owner or with its client: `wait` resolves at once, and nothing comes any more. */
  readonly isClosed: boolean
  close(): Promise<void>
}

/**
 * A cursor over one partition, without control records and, under read_committed, without aborted ones.
 * After `next()` returned true the fields describe the record until the next call. The bytes are never reused, but a view
 * keeps its whole batch in memory, or becomes empty with the next call if the fetcher `freesRead`: copy what is to be kept.
 */
export interface PartitionReader {
  readonly topic: string
  readonly partition: number

  /**
   * Moves to the next record; false when none is buffered now.
   *
   * @throws the partition's fatal error: `CLIENT_OFFSET_OUT_OF_RANGE` (with `details.logStartOffset` and `details.highWatermark`),
   *   `CLIENT_LOG_TRUNCATED` (records that were read are gone from `details.divergentOffset` on),
   *   `RECORD_CORRUPT` (checksum, lengths), `RECORD_FORMAT_UNSUPPORTED` (before Kafka 0.11, or a compression that is not installed), both
   *   with the offset, `CLIENT_AUTHORIZATION_FAILED`, `TOPIC_MISSING`.
   */
  next(): boolean

  readonly offset: number
  /** As stored by the broker; -1 when absent. */
  readonly timestampMs: number
  readonly buffer: Buffer
  readonly keyStart: number
  /** -1 for a null key. */
  readonly keyEnd: number
  readonly valueStart: number
  /** -1 for a null value. */
  readonly valueEnd: number
  /** Decoded on demand; `NO_HEADERS` when there are none. */
  headers(): Headers

  /** Offset from which a new reader would see what this one has not yet returned; passes control and aborted records too. */
  readonly position: number
  /** Of the batch that was read last, or as it was given; -1 when unknown. Committed with `position`. Absent where there are no leaders. */
  readonly leaderEpoch?: number
  /** True when records are buffered that `next` has not yet returned. May be true and yet only aborted ones follow. */
  readonly hasBuffered: boolean
  /** From the last answer, also an empty one; -1 before the first. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ProducerOptions {
  /** Given: transactional. Initialising fences every earlier producer of this id. */
  readonly transactionalId?: string | undefined
  readonly transactionTimeoutMs?: number
  /** Uncompressed bytes in one batch, at most. Default 16 KiB × 16. */
  readonly batchBytes?: number
  /** Largest request; a single record above it is `RECORD_TOO_LARGE`. Default 1 MiB. */
  readonly maxRequestBytes?: number
  /** Of batches for topics that `compressionByTopic` does not name. Default `none`. */
  readonly compression?: Compression
  readonly compressionByTopic?: Readonly<Record<string, Compression>>
  /** How long a batch that is not full waits for more records. Default 5. */
  readonly lingerMs?: number
  /** How long `commit`, `abort` and `reset` try before they give up. Default 60,000. */
  readonly maxBlockMs?: number
  /** Bytes appended and not acknowledged. `append` never fails for it; `full` tells, and `whenWritable` waits. */
  readonly bufferBytes?: number
  /** From the append to giving up. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * A record that the broker refuses for good (too large, invalid) although it was accepted here.
   * Return true to drop it and go on, false (or no handler) to fail the producer.
   */
  readonly onRejected?: (topic: string, partition: number, recordCount: number, error: Error) => boolean
  /**
   * The next `recordCount` records that were appended to a partition are written; called in their order, and before a `flush` that
   * waits for them resolves. Records that `onRejected` was told of are left out.
   *
   * `baseOffset` is the offset of the first of them; -1 when the broker no longer knows where they are. With a transactional id they
   * may still be aborted.
   */
  readonly onDelivered?: (topic: string, partition: number, baseOffset: number, recordCount: number) => void
}

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/**
 * Batches records per partition and sends them in order. In a transactional producer the transaction begins by itself
 * with the first record or offset; records appended while `commit` or `abort` is under way belong to the next one and are held back.
 */
export interface RecordProducer {
  /** Looked up once per topic. @throws StreamsError `TOPIC_MISSING`; never creates a topic. */
  topic(name: string): Promise<TopicAppender>
  /** The same, when it has been looked up before. */
  cachedTopic(name: string): TopicAppender | undefined
  /** True when `bufferBytes` is exceeded: stop appending soon, and await `whenWritable`. */
  readonly full: boolean
  whenWritable(): Promise<void>
  /**
   * Sends all batches now and waits for their acknowledgement.
   *
   * @throws the producer's error; `TOPIC_MISSING` when a topic that is written to was deleted.
   */
  flush(): Promise<void>
  /**
   * Ends the transaction: flushes, adds the offsets under the group's generation, commits.
   * Without a transactional id: flushes, then commits the offsets to the group.
   *
   * @throws StreamsError `PRODUCER_FENCED`, `TASK_MIGRATED` (the group refused the generation), `TRANSACTION_ABORTED` (sound, but
   *   aborted: call `abort`), `TASK_COMMIT_UNKNOWN` (no answer: it may or may not have been committed; call `reset`).
   */
  commit(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void>
  /** Drops everything appended and not committed. Never begins one. */
  abort(): Promise<void>
  /** Initialises the transactional id anew: whatever was open is ended, one way or the other, when it resolves. */
  reset(): Promise<void>
  /** The error after which every call fails until `abort` or `reset`; undefined while sound. */
  readonly error: Error | undefined
  /**
   * Without a transactional id: waits until all that was appended is acknowledged, or given up after `deliveryTimeoutMs`, or for
   * `timeoutMs` at most. With one: aborts the open transaction.
   *
   * @throws StreamsError when records were not acknowledged and not dropped by `abort` or `reset`: `PRODUCER_DELIVERY_TIMED_OUT`, or
   *   the producer's error. Never with a transactional id. It is closed all the same.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

export interface TopicAppender {
  readonly topic: string
  /**
   * Follows the topic: metadata that is older than the client allows is read anew as records are written, and what it tells holds
   * after a batch or two. Ask for it with every record.
   */
  readonly partitionCount: number
  /**
   * Copies one record into the partition's open batch. An end of -1 means null. Synchronous.
   *
   * @throws StreamsError `RECORD_TOO_LARGE`, or the producer's error.
   */
  append(
    partition: number,
    keyBytes: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
    headers: Headers
  ): void
  /** The offset after the last acknowledged record of this producer in `partition`; -1 when there is none. */
  ackedEndOffset(partition: number): number
}

export interface OffsetCommit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number
  /** Of the record before it; see `Fetcher.add`. Default -1: unknown. */
  readonly leaderEpoch?: number
  /** Up to 4,096 bytes as UTF-8. */
  readonly metadata: string
}

// ── group ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface GroupMetadata {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | undefined
}

export interface GroupOptions {
  readonly groupId: string
  readonly groupInstanceId?: string | undefined
  /** Default 45,000. */
  readonly sessionTimeoutMs?: number
  /** Default a third of the session time-out, at most 3,000. */
  readonly heartbeatIntervalMs?: number
  /** How long a member may take to give up partitions and rejoin. Default 300,000. */
  readonly rebalanceTimeoutMs?: number
  readonly topics: () => readonly string[]
  readonly assignor: GroupAssignor
  readonly listener: GroupListener
}

/** Runs in every member; `assign` only in the leader. */
export interface GroupAssignor {
  /** Protocol name, equal in all members; for example `millrace-sticky-1`. */
  readonly name: string
  /** Sent with each join. */
  userData(): Uint8Array
  assign(members: readonly AssignorMember[]): Promise<ReadonlyMap<string, AssignorResult>>
}

export interface AssignorMember {
  readonly memberId: string
  readonly groupInstanceId: string | undefined
  readonly topics: readonly string[]
  readonly userData: Uint8Array
  /** What the member holds now. A partition may move only after its holder gave it up (KIP-429). */
  readonly owned: readonly TopicPartition[]
  /** Generation under which `owned` was assigned; -1 unknown. An older claim on the same partition loses. */
  readonly generationId: number
}

export interface AssignorResult {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Uint8Array
}

/** Called one at a time, in order; the member goes on only when the promise settles. Heartbeats go on meanwhile. */
export interface GroupListener {
  /** Still a member: commit what was done for these. Then they belong to others. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /** `added` are new, `all` is everything held. Called after each completed rebalance, also when nothing changed. */
  onAssigned(added: readonly TopicPartition[], all: readonly TopicPartition[], userData: Uint8Array): Promise<void>
  /** No longer a member (session expired, fenced): the partitions may be another's already. Nothing can be committed. */
  onLost(partitions: readonly TopicPartition[]): Promise<void>
  /** The member gave up for good (authorisation, inconsistent protocol, or a listener that threw). */
  onFatal(error: Error): void
}

export interface GroupMember {
  /** The generation of the last completed rebalance; undefined before it and after `onLost`. */
  readonly metadata: GroupMetadata | undefined
  /** True from the sending of a join until its assignment was taken over. */
  readonly rebalancing: boolean
  /** Resolves when no rebalance is under way: at once, or when the current one has ended or the member was lost. */
  whenStable(): Promise<void>
  /** Joins anew, keeping what it holds: to offer new user data or topics. */
  rejoin(): void
  /** Leaves the group; partitions go to others at once. Calls no listener. */
  leave(): Promise<void>
}

// ── administration ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface KafkaAdmin {
  /** Partition counts; a topic that does not exist is absent. Without names: all topics. */
  describeTopics(names?: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  /** Creates; a topic that exists already is left alone and reported as such. */
  createTopics(topics: readonly NewTopic[]): Promise<ReadonlyMap<string, 'created' | 'exists'>>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Effective configs by topic. */
  describeTopicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>
  /**
   * `latest` under read_uncommitted is the high watermark, under read_committed the last stable offset. A number is a
   * timestamp: the first offset at or after it, -1 when there is none.
   */
  listOffsets(
    partitions: readonly (TopicPartition & { readonly at: 'earliest' | 'latest' | number })[],
    isolation: IsolationLevel
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]>
  /**
   * Committed offsets; -1 where none is. With `requireStable` it waits, and retries, until no open transaction has
   * offsets for these partitions (KIP-447); `onUnstable` is called each time it has to wait.
   */
  fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: { readonly requireStable: boolean; readonly timeoutMs?: number; readonly onUnstable?: () => void }
  ): Promise<readonly CommittedOffset[]>
  /** Deletes the records below each offset. Partitions whose offset is already below the log start are fine. */
  deleteRecords(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>
  describeGroup(groupId: string): Promise<GroupDescription>
  deleteGroup(groupId: string): Promise<void>
}

export interface TopicDescription {
  readonly name: string
  readonly partitionCount: number
  readonly replicationFactor: number
  readonly internal: boolean
  /** Another one once a topic was deleted and made anew under its name. Undefined where brokers do not tell. */
  readonly topicId?: string | undefined
}

export interface NewTopic {
  readonly name: string
  readonly partitionCount: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  /** As it was committed; -1 or absent: unknown. */
  readonly leaderEpoch?: number
  readonly metadata: string
}

export interface GroupDescription {
  readonly groupId: string
  /** As Kafka words it: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Dead`. */
  readonly state: string
  readonly members: readonly { readonly memberId: string; readonly clientId: string; readonly host: string }[]
}
