import type { Headers } from './headers.ts'

/**
 * One record on its way through a topology. Operators never change a record they received; they forward a new one.
 *
 * `timestampMs` is event time in milliseconds since the epoch, never negative.
 */
export interface StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestampMs: number
  readonly headers: Headers
}

/** Where the record being processed came from; `undefined` fields of a context while no input record is in work. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}
