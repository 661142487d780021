import type { AnySerde } from './node-spec.ts'

/** `key-value` has no timestamps (Processor API); the DSL uses the timestamped kinds. */
export type StoreKind = 'key-value' | 'timestamped-key-value' | 'timestamped-window'

export interface StoreSpec {
  readonly name: string
  readonly kind: StoreKind
  readonly key: AnySerde
  readonly value: AnySerde
  /** False: kept in memory, restored from the changelog at every start. */
  readonly persistent: boolean
  /** Wanted; in force only when the application's `cacheBytes` is above 0. */
  readonly caching: boolean
  readonly changelog: ChangelogSpec | undefined
  /** Window stores only. Retention is at least size + grace. */
  readonly windowSizeMs: number | undefined
  readonly retentionMs: number | undefined
}

export interface ChangelogSpec {
  /** Set when an input topic serves as changelog: then nothing is written and restoring stops at the committed offset. */
  readonly sourceTopic: string | undefined
  /** Topic configs over the defaults (compact; window stores: compact,delete with retention.ms = retention + 1 day). */
  readonly topicConfig: Readonly<Record<string, string>>
}
