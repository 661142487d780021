/** Settings of the group coordinator, after those of Kafka named in brackets. Defaults are Kafka's unless said otherwise. */
export interface GroupConfig {
  /**
   * How long the first members of an empty group wait for others, prolonged by each that comes
   * [group.initial.rebalance.delay.ms]. Default 0 where Kafka waits 3,000: on one machine nobody is late.
   */
  readonly groupInitialRebalanceDelayMs: number
  /** Shorter session time-outs are refused [group.min.session.timeout.ms]. */
  readonly groupMinSessionTimeoutMs: number
  /** Longer session time-outs are refused [group.max.session.timeout.ms]. */
  readonly groupMaxSessionTimeoutMs: number
  /** Members of one group, at most [group.max.size]. */
  readonly groupMaxSize: number
  /** How long a new member's JoinGroup may wait before it is given up; it has no id yet for a heartbeat. Kafka's constant. */
  readonly groupNewMemberJoinTimeoutMs: number
  /** Characters of metadata beside a committed offset, at most [offset.metadata.max.bytes]. */
  readonly offsetMetadataMaxSize: number
  /** How long offsets outlive the last member, or where there are none, their commit [offsets.retention.minutes]. */
  readonly offsetsRetentionMs: number
  /** How often expired offsets are looked for [offsets.retention.check.interval.ms]. */
  readonly offsetsRetentionCheckIntervalMs: number
}

export const DEFAULT_GROUP_CONFIG: GroupConfig = {
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 2_147_483_647,
  groupNewMemberJoinTimeoutMs: 300_000,
  offsetMetadataMaxSize: 4096,
  offsetsRetentionMs: 604_800_000,
  offsetsRetentionCheckIntervalMs: 600_000
}
