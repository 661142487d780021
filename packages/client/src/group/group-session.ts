import type { Clock, GroupOptions, Logger, Random } from '@millrace/streams/ports'
import { DEFAULT_RETRY_BACKOFF, type RetryBackoff } from '../backoff.ts'
import type { Cluster, Target } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import { type FailedMember, type Reaction, reactionTo } from './group-answers.ts'

export interface GroupMemberDependencies {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly options: GroupOptions
  /** How often the topics' partition counts are read anew. Default 60,000. */
  readonly metadataMaxAgeMs?: number | undefined
  readonly retryBackoff?: RetryBackoff
}

/** What all parts of one member share: its ports, its settings with their defaults, and who it is at present. */
export class GroupSession {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly options: GroupOptions
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly metadataMaxAgeMs: number
  readonly retryBackoff: RetryBackoff
  readonly coordinator: Target
  /** For JoinGroup and SyncGroup, whose answers may take as long as the slowest member. */
  readonly joinLane: string
  /** For Heartbeat and LeaveGroup, which must not wait behind them. */
  readonly heartbeatLane: string

  /** Empty before the coordinator gave one. */
  memberId = ''
  /** Of the last answered join; -1 outside of the group. Ahead of the assigned generation while syncing. */
  generationId = -1
  /** Since when the coordinator has met an error that it did not expect, by request. */
  readonly #failingSinceMs = new Map<string, number>()

  constructor(dependencies: GroupMemberDependencies) {
    const { cluster, clock, random, logger, options, metadataMaxAgeMs, retryBackoff } = dependencies
    this.cluster = cluster
    this.clock = clock
    this.random = random
    this.logger = logger
    this.options = options
    this.groupId = options.groupId
    this.groupInstanceId = options.groupInstanceId
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 45_000
    this.heartbeatIntervalMs = options.heartbeatIntervalMs ?? Math.min(3_000, Math.floor(this.sessionTimeoutMs / 3))
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 300_000
    this.metadataMaxAgeMs = metadataMaxAgeMs ?? 60_000
    this.retryBackoff = retryBackoff ?? DEFAULT_RETRY_BACKOFF
    this.coordinator = { groupCoordinator: this.groupId }
    // Two members in one process, say in a test, would block each other on a shared connection.
    const suffix = `${this.groupId}-${Math.floor(random() * 2 ** 32).toString(36)}`
    this.joinLane = `group-join-${suffix}`
    this.heartbeatLane = `group-heartbeat-${suffix}`
  }

  forgetCoordinator(): void {
    this.cluster.forgetCoordinator(this.coordinator)
  }

  /** What to do about an answer. An error that the coordinator did not expect may pass, for as long as a session lasts. */
  reactionTo(api: string, errorCode: number): Reaction {
    if (errorCode !== KafkaErrorCode.UNKNOWN_SERVER_ERROR) {
      this.#failingSinceMs.delete(api)
      return reactionTo(errorCode)
    }
    const nowMs = this.clock.monotonicMs()
    const sinceMs = this.#failingSinceMs.get(api)
    if (sinceMs !== undefined) return nowMs - sinceMs > this.sessionTimeoutMs ? 'fail' : reactionTo(errorCode)
    this.#failingSinceMs.set(api, nowMs)
    this.logger.warn(`The group's coordinator answered ${api} with UNKNOWN_SERVER_ERROR; its log says more.`, {
      groupId: this.groupId,
      memberId: this.memberId,
      triedForMs: this.sessionTimeoutMs
    })
    return reactionTo(errorCode)
  }

  /** No answer says nothing of how the coordinator is. */
  unanswered(api: string): void {
    this.#failingSinceMs.delete(api)
  }

  /** For errors and logs. */
  describe(): FailedMember {
    return {
      groupId: this.groupId,
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      protocol: this.options.assignor.name,
      sessionTimeoutMs: this.sessionTimeoutMs
    }
  }
}
