import type { AnySerde } from './node-spec.ts'

/**
 * - `key-value`: no timestamps (Processor API); the DSL's tables use the timestamped kind. `KeyValueStore`.
 * - `timestamped-key-value`: tables and unwindowed aggregations. `TimestampedKeyValueStore`.
 * - `timestamped-window`: time and sliding window aggregations. `TimestampedWindowStore`.
 * - `window`: no timestamps (Processor API, stream-stream joins). `WindowStore`.
 * - `session`: session aggregations. `SessionStore`.
 * - `versioned-key-value`: tables that keep past versions. `VersionedKeyValueStore`.
 * - `ordered-key-value`: synchronous scans in key order: buffers, queues, prefixes. `OrderedKeyValueStore`.
 */
export type StoreKind =
  | 'key-value'
  | 'timestamped-key-value'
  | 'timestamped-window'
  | 'window'
  | 'session'
  | 'versioned-key-value'
  | 'ordered-key-value'

export interface StoreSpec {
  readonly name: string
  readonly kind: StoreKind
  readonly key: AnySerde
  readonly value: AnySerde
  /** False: kept in memory, restored from the changelog at every start. */
  readonly persistent: boolean
  /**
   * Wanted; in force only when the application's `cacheBytes` is above 0, and never for versioned and ordered stores,
   * nor with `retainDuplicates` or `timeOrdered`.
   */
  readonly caching: boolean
  readonly changelog: ChangelogSpec | undefined
  /** Window stores only. */
  readonly windowSizeMs: number | undefined
  /** Window stores (at least size + grace) and session stores (at least gap + grace). */
  readonly retentionMs: number | undefined
  /** Kind `versioned-key-value` only: how long past versions are kept; also the grace of late puts. */
  readonly historyRetentionMs?: number | undefined
  /** Kind `window` only: entries of equal key and start do not replace each other. */
  readonly retainDuplicates?: boolean | undefined
  /** Kinds `timestamped-window` and `session`: kept in order of time as well, for emitting on close. */
  readonly timeOrdered?: boolean | undefined
  /** Window stores: an entry at exactly observed time - retention is visible too. */
  readonly retentionInclusive?: boolean | undefined
}

export interface ChangelogSpec {
  /** Set when an input topic serves as changelog: then nothing is written and restoring stops at the committed offset. */
  readonly sourceTopic: string | undefined
  /** Topic configs over the defaults (compact; window stores: compact,delete with retention.ms = retention + 1 day). */
  readonly topicConfig: Readonly<Record<string, string>>
}
