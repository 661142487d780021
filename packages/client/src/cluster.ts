import type { Api, RequestOf, ResponseOf } from '@millrace/protocol'

/** Which broker a request goes to. Coordinators are looked up, cached, and forgotten by `forgetCoordinator`. */
export type Target =
  | { readonly nodeId: number }
  | { readonly any: true }
  | { readonly controller: true }
  | { readonly groupCoordinator: string }
  | { readonly transactionCoordinator: string }

export interface RequestOptions {
  /**
   * Requests of one lane to one broker share a connection, in order. `main` by default; a fetcher, a group's long JoinGroup
   * and a producer each use a lane of their own.
   */
  readonly lane?: string
  /** Default: the cluster's request time-out, 30,000. */
  readonly timeoutMs?: number
  /** Never above this version, although both sides know a newer one. */
  readonly maxVersion?: number
  /** Refused where the broker knows none as new as this: an older one would leave out what the request is for. */
  readonly minVersion?: number
}

export interface PartitionLeader {
  readonly nodeId: number
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly name: string
  readonly topicId: string
  readonly internal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly partition: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaIds: readonly number[]
}

/** Brokers, their connections and API versions, and what is known of topics. Shared by all parts of the client. */
export interface Cluster {
  /** As its transport says. */
  readonly answersAreOwn?: boolean
  /**
   * Sends one request in the highest version both sides know and decodes the answer. No retries: error codes inside the
   * answer are the caller's.
   *
   * @throws StreamsError `CLIENT_CONNECT_FAILED`, `CLIENT_REQUEST_TIMED_OUT`, `CLIENT_REQUEST_FAILED` (not answered: unknown
   *   whether carried out), `CLIENT_UNSUPPORTED_VERSION`, `CLIENT_CLOSED`
   */
  request<A extends Api>(target: Target, api: A, body: RequestOf<A>, options?: RequestOptions): Promise<ResponseOf<A>>
  /** The version `request` would use with this broker (after connecting to it). */
  versionFor(target: Target, api: Api, options?: RequestOptions): Promise<number>
  /**
   * Known topics; looks up the ones that are not. Absent when the topic does not exist. Never creates one.
   *
   * @throws StreamsError `CLIENT_REQUEST_FAILED` also while the brokers cannot tell whether one exists
   */
  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>>
  allTopics(): Promise<readonly TopicMetadata[]>
  /** From what is known, synchronously. */
  leader(topic: string, partition: number): PartitionLeader | undefined
  cachedTopic(name: string): TopicMetadata | undefined
  /** Reads the metadata of these topics anew, where brokers have any at present; concurrent calls share one request. */
  refresh(names: readonly string[]): Promise<void>
  /** The next request to this coordinator (or controller) looks it up anew. Other targets are left alone. */
  forgetCoordinator(target: Target): void
  /** Closes the lane's connections to all brokers; requests under way on it fail with `CLIENT_REQUEST_FAILED`. */
  closeLane(lane: string): void
  close(): Promise<void>
}
