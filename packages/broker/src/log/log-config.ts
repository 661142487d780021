/** What a topic's settings mean to the logs of its partitions. -1 is no limit where the setting says so. */
export interface LogConfig {
  readonly deletes: boolean
  readonly compacts: boolean
  /** -1: for ever. */
  readonly retentionMs: number
  /** -1: without limit. */
  readonly retentionBytes: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly maxMessageBytes: number
  readonly logAppendTime: boolean
  /** How far a record's timestamp may lie behind and before the clock. */
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
}
