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
  /** As `get`, but without the updates that a cache still holds back: what was last forwarded. */
  getForwarded(key: K): ValueAndTimestamp<V> | undefined
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
  fetch(key: K, fromMs: number, toMs: number): AsyncIterable<WindowRow<V>>
  /** Windows of all keys whose start is in [fromMs, toMs]. */
  fetchAll(fromMs: number, toMs: number): AsyncIterable<KeyValueRow<Windowed<K>, V>>
  all(): AsyncIterable<KeyValueRow<Windowed<K>, V>>
}

export interface WindowRow<V> {
  readonly windowStartMs: number
  readonly value: V
}

/**
 * Windows without timestamps, for processors and stream-stream joins.
 *
 * With `retainDuplicates` a put never replaces: entries of equal key and start stay apart, in the order of their puts,
 * and a null value puts nothing.
 */
export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  readonly windowSizeMs: number
  readonly retentionMs: number
  /**
   * Windows of one key whose start is in [fromMs, toMs], ascending; duplicates in the order of their puts. A copy: the
   * store may be changed meanwhile.
   */
  fetchRange(key: K, fromMs: number, toMs: number): readonly WindowRow<V>[]
  /** Ignored when the window start is at or below observed time - retention. `null` deletes. */
  put(key: K, value: V | null, windowStartMs: number): void
}

/** The store behind time and sliding window aggregations. `windowEndMs` is start + size, exclusive. */
export interface TimestampedWindowStore<K, V> extends ReadOnlyWindowStore<K, ValueAndTimestamp<V>> {
  readonly windowSizeMs: number
  readonly retentionMs: number
  /** Windows of one key whose start is in [fromMs, toMs], ascending. A copy: the store may be changed meanwhile. */
  fetchRange(key: K, fromMs: number, toMs: number): readonly WindowRow<ValueAndTimestamp<V>>[]
  /**
   * As `fetchOne`, but without the updates that a cache still holds back: what was last forwarded. With a cache, and while that
   * of another store is emptied, a window that has expired is seen until the next commit: what is forwarded late may have to be
   * joined with it.
   */
  getForwarded(key: K, windowStartMs: number): ValueAndTimestamp<V> | undefined
  /**
   * Live windows of all keys whose start is in [fromMs, toMs], in order of (start, key): for emitting on close.
   *
   * @throws StreamsError `TOPOLOGY_INVALID` unless the store was declared `timeOrdered`.
   */
  windowsByTime(fromMs: number, toMs: number): StoreCursor<Windowed<K>, ValueAndTimestamp<V>>
  /**
   * `null` deletes. Returns false when it was ignored because the window start is at or below observed time - retention:
   * then no cache forwards it either.
   */
  put(key: K, value: V | null, windowStartMs: number, timestampMs: number, headers: Headers): boolean
  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean
}

/** Bounds of a session are inclusive: it begins with its first record and ends with its last. */
export interface SessionRow<V> {
  readonly startMs: number
  readonly endMs: number
  readonly value: V
}

export interface ReadOnlySessionStore<K, V> extends StateStore {
  /** The session of exactly these bounds, unless expired. */
  fetchSession(key: K, startMs: number, endMs: number): V | undefined
  /** Sessions of one key with end >= earliestEndMs and start <= latestStartMs, ascending by end, then start. */
  fetch(key: K, earliestEndMs?: number, latestStartMs?: number): AsyncIterable<SessionRow<V>>
  all(): AsyncIterable<KeyValueRow<Windowed<K>, V>>
}

/**
 * The store behind session aggregations. A session expires once its end is at or below the largest end ever put minus
 * the retention.
 *
 * @see Kafka Streams `SessionStore`
 */
export interface SessionStore<K, V> extends ReadOnlySessionStore<K, V> {
  readonly retentionMs: number
  /**
   * Live sessions of one key with end >= earliestEndMs and start <= latestStartMs, ascending by end, then start. A
   * copy: the store may be changed meanwhile.
   */
  findSessions(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionRow<V>[]
  /** As `fetchSession`, but without the updates that a cache still holds back; see `TimestampedWindowStore.getForwarded`. */
  getForwarded(key: K, startMs: number, endMs: number): V | undefined
  /**
   * Sessions of all keys whose end is in [fromEndMs, toEndMs], in order of (end, start, key), expired ones included
   * until they are cleared after a commit: for emitting on close.
   *
   * @throws StreamsError `TOPOLOGY_INVALID` unless the store was declared `timeOrdered`.
   */
  sessionsByTime(fromEndMs: number, toEndMs: number): StoreCursor<Windowed<K>, V>
  /**
   * `null` deletes. Returns false when it was ignored because it is expired: then no cache forwards it either. In a
   * `timeOrdered` store it is not, but only `sessionsByTime` sees it.
   */
  put(key: K, value: V | null, startMs: number, endMs: number): boolean
  remove(key: K, startMs: number, endMs: number): void
  /** Flushed updates have the session's end as timestamp and no headers. */
  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean
}

/**
 * A position between entries, read synchronously. It sees every change made to the store before `next`, so entries may
 * be put and deleted while it is under way; the one it is at may be deleted too.
 */
export interface StoreCursor<K, V> {
  /** Moves to the next entry; false when there is none left in the range. */
  next(): boolean
  /** Of the entry moved to, decoded when asked for. */
  readonly key: K
  readonly value: V
}

/**
 * Entries in the order of their serialised keys, read synchronously on the record path: for buffers, queues and
 * prefix scans. Its memory does not grow with its entries.
 */
export interface OrderedKeyValueStore<K, V> extends KeyValueStore<K, V> {
  /** Entries of [from, to], both inclusive and compared as serialised bytes; an absent bound is open. */
  cursor(from?: K, to?: K): StoreCursor<K, V>
  /** Entries whose serialised key begins with these bytes. They are copied. */
  prefixCursor(prefix: Uint8Array): StoreCursor<K, V>
  /** The entry with the least key. */
  first(): KeyValueRow<K, V> | undefined
}

/** Returned by `VersionedKeyValueStore.put`: the version is now the latest of its key. */
export const VERSION_IS_LATEST = -1
/** Returned by `VersionedKeyValueStore.put`: it was older than observed time - grace, and nothing was changed. */
export const VERSION_NOT_PUT = -2

/** One version of a key's value, valid in [timestampMs, validToMs). */
export interface VersionedRecord<V> extends ValueAndTimestamp<V> {
  /** Undefined: it is the latest. */
  readonly validToMs: number | undefined
}

export interface ReadOnlyVersionedKeyValueStore<K, V> extends StateStore {
  /** The latest version, however old it is; undefined when that is a deletion. */
  get(key: K): VersionedRecord<V> | undefined
  /**
   * The version valid at `asOfMs`. Undefined also when that is below observed time - history retention, unless the
   * latest version is as old as that.
   */
  getAsOf(key: K, asOfMs: number): VersionedRecord<V> | undefined
  /** Versions valid at some time of [fromMs, toMs] that are within the history retention, ascending. */
  versions(key: K, fromMs: number, toMs: number): readonly VersionedRecord<V>[]
  /** The latest version of each key that has one. */
  all(): AsyncIterable<KeyValueRow<K, VersionedRecord<V>>>
  approximateNumEntries(): number
}

/**
 * Keeps past versions of each key for the history retention.
 *
 * @see Kafka Streams `VersionedKeyValueStore` (KIP-889, KIP-914)
 */
export interface VersionedKeyValueStore<K, V> extends ReadOnlyVersionedKeyValueStore<K, V> {
  readonly historyRetentionMs: number
  /**
   * Puts a version that is valid from `timestampMs` until the next newer one; it replaces one of the same time. `null`
   * says that the key was deleted at that time.
   *
   * @returns the time at which the version ends, or `VERSION_IS_LATEST`, or `VERSION_NOT_PUT`.
   */
  put(key: K, value: V | null, timestampMs: number): number
}
