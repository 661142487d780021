import type { Change } from './change.ts'
import type { Headers } from './headers.ts'
import type { Windowed } from './windowed.ts'

/** A value with the timestamp of the record that set it. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  readonly timestampMs: number
}

export interface StateStore {
  readonly name: string
}

/** Rows of a scan, in the order of their serialised keys. */
export interface KeyValueRow<K, V> {
  readonly key: K
  readonly value: V
}

/** Iterations are asynchronous and see the writes of the task up to the moment they reach a key. */
export interface ReadOnlyKeyValueStore<K, V> extends StateStore {
  get(key: K): V | undefined
  /** Bounds are inclusive and compared as serialised bytes; an absent bound is open. */
  range(from?: K, to?: K): AsyncIterable<KeyValueRow<K, V>>
  all(): AsyncIterable<KeyValueRow<K, V>>
  /** Counts stored entries; may count deleted ones that were not compacted yet. */
  approximateNumEntries(): number
}

export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  /** `null` deletes. */
  put(key: K, value: V | null): void
}

/** The store behind tables and unwindowed aggregations. */
export interface TimestampedKeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>> {
  /** `null` deletes. `headers` travel with the update when a cache forwards it later. */
  put(key: K, value: V | null, timestampMs: number, headers: Headers): void
  /**
   * With a cache, updates are forwarded when it is flushed: once per key, with the old value last forwarded.
   * Returns false when the store has no cache; the caller then forwards each update itself.
   */
  onFlush(listener: FlushListener<K, V>, sendOldValues: boolean): boolean
}

export type FlushListener<K, V> = (key: K, change: Change<V>, timestampMs: number, headers: Headers) => void

export interface ReadOnlyWindowStore<K, V> extends StateStore {
  /** The entry of exactly this window start, unless expired. */
  fetchOne(key: K, windowStartMs: number): V | undefined
  /** Windows of one key whose start is in [fromMs, toMs], ascending. */
  fetch(key: K, fromMs: number, toMs: number): AsyncIterable<{ readonly windowStartMs: number; readonly value: V }>
  /** Windows of all keys whose start is in [fromMs, toMs]. */
  fetchAll(fromMs: number, toMs: number): AsyncIterable<KeyValueRow<Windowed<K>, V>>
  all(): AsyncIterable<KeyValueRow<Windowed<K>, V>>
}

/** The store behind tumbling and hopping aggregations. `windowEndMs` is start + size, exclusive. */
export interface TimestampedWindowStore<K, V> extends ReadOnlyWindowStore<K, ValueAndTimestamp<V>> {
  readonly windowSizeMs: number
  readonly retentionMs: number
  /** Ignored when the window start is at or below observed time - retention. `null` deletes. */
  put(key: K, value: V | null, windowStartMs: number, timestampMs: number, headers: Headers): void
  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean
}
