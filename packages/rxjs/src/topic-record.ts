import type { Headers } from '@millrace/streams/core'

/** A record as it lies in its topic. */
export interface TopicRecord<K, V> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: K | null
  /** Null for a tombstone. */
  readonly value: V | null
  /** Milliseconds since the epoch, as stored; -1 when there is none. */
  readonly timestampMs: number
  readonly headers: Headers
}
