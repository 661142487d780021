import { type Duration, durationMs, type Serde, StreamsError } from '../core/index.ts'
import { legalName } from './names.ts'
import type { StoreHandle } from './store-handle.ts'
import type { StoreKind, StoreSpec } from './store-spec.ts'

export interface StoreOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** False keeps the rows in memory and restores all of them at every start. Default true. */
  readonly persistent?: boolean | undefined
  /** False: no changelog, the rows are lost with the machine. An object: topic configs over the defaults. Default true. */
  readonly changelog?: boolean | Readonly<Record<string, string>> | undefined
}

export interface WindowStoreOptions<K, V> extends StoreOptions<K, V> {
  readonly windowSize: Duration
  /** How long a window can be read, counted from its start by the largest start ever put. At least the window's size. */
  readonly retention: Duration
  /** Entries of equal key and start stay apart. Default false. Not for a timestamped store. */
  readonly retainDuplicates?: boolean | undefined
}

export interface SessionStoreOptions<K, V> extends StoreOptions<K, V> {
  /** How long a session can be read, counted from its end by the largest end ever put. */
  readonly retention: Duration
}

export interface VersionedStoreOptions<K, V> extends StoreOptions<K, V> {
  /** How long past versions are kept; also how late a version may be put. */
  readonly historyRetention: Duration
}

/** A declared store; also the handle by which it is queried, with the types of its rows. */
export type TypedStoreSpec<K, V, Kind extends StoreKind> = StoreSpec & StoreHandle<K, V, Kind>

/**
 * Declares a store for processors: `builder.addStateStore(keyValueStore('seen', { key: string(), value: json() }))`. A
 * processor named together with it gets it by `context.getStateStore<KeyValueStore<string, …>>('seen')`.
 *
 * @throws StreamsError `TOPOLOGY_INVALID` for a name that is not legal, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#keyValueStoreBuilder`
 */
export function keyValueStore<K, V>(name: string, options: StoreOptions<K, V>): TypedStoreSpec<K, V, 'key-value'> {
  return declared(name, 'key-value', options, {})
}

/** Declares a `TimestampedKeyValueStore`. */
export function timestampedKeyValueStore<K, V>(
  name: string,
  options: StoreOptions<K, V>
): TypedStoreSpec<K, V, 'timestamped-key-value'> {
  return declared(name, 'timestamped-key-value', options, {})
}

/** Declares an `OrderedKeyValueStore`, whose entries can be gone through synchronously, in the order of their keys. */
export function orderedKeyValueStore<K, V>(
  name: string,
  options: StoreOptions<K, V>
): TypedStoreSpec<K, V, 'ordered-key-value'> {
  return declared(name, 'ordered-key-value', options, {})
}

/** Declares a `WindowStore`. @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function windowStore<K, V>(name: string, options: WindowStoreOptions<K, V>): TypedStoreSpec<K, V, 'window'> {
  return declared(name, 'window', options, {
    ...windowTimes(name, options),
    retainDuplicates: options.retainDuplicates ?? false
  })
}

/** Declares a `TimestampedWindowStore`. @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function timestampedWindowStore<K, V>(
  name: string,
  options: Omit<WindowStoreOptions<K, V>, 'retainDuplicates'>
): TypedStoreSpec<K, V, 'timestamped-window'> {
  return declared(name, 'timestamped-window', options, windowTimes(name, options))
}

/** Declares a `SessionStore`. @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function sessionStore<K, V>(name: string, options: SessionStoreOptions<K, V>): TypedStoreSpec<K, V, 'session'> {
  return declared(name, 'session', options, { retentionMs: positiveMs(name, 'retention', options.retention) })
}

/** Declares a `VersionedKeyValueStore`. @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function versionedKeyValueStore<K, V>(
  name: string,
  options: VersionedStoreOptions<K, V>
): TypedStoreSpec<K, V, 'versioned-key-value'> {
  const historyRetentionMs = durationMs(options.historyRetention, `The history retention of store '${name}'`)
  if (historyRetentionMs < 0) throw invalidTime(name, 'history retention', historyRetentionMs, 'at least 0')
  return declared(name, 'versioned-key-value', options, { historyRetentionMs })
}

function declared<K, V, Kind extends StoreKind>(
  name: string,
  kind: Kind,
  options: StoreOptions<K, V>,
  times: Partial<Omit<StoreSpec, 'kind'>>
): TypedStoreSpec<K, V, Kind> {
  legalName(name, 'store')
  for (const role of ['key', 'value'] as const) {
    if (typeof options?.[role]?.serialize === 'function') continue
    throw new StreamsError(
      'TOPOLOGY_SERDE_MISSING',
      `Store '${name}' has no ${role} serde. Pass one, for example { ${role}: string() }.`,
      { details: { store: name, role } }
    )
  }
  const { key, value, persistent = true, changelog = true } = options
  return {
    name,
    kind,
    key,
    value,
    persistent,
    // A processor reads what it wrote, and forwards by itself: a record cache would only delay the changelog.
    caching: false,
    changelog:
      changelog === false ? undefined : { sourceTopic: undefined, topicConfig: changelog === true ? {} : changelog },
    windowSizeMs: undefined,
    retentionMs: undefined,
    ...times
  }
}

function windowTimes(name: string, options: { readonly windowSize: Duration; readonly retention: Duration }) {
  const windowSizeMs = positiveMs(name, 'window size', options.windowSize)
  const retentionMs = positiveMs(name, 'retention', options.retention)
  if (retentionMs < windowSizeMs) {
    throw invalidTime(name, 'retention', retentionMs, `at least the size of its windows, ${windowSizeMs} ms`)
  }
  return { windowSizeMs, retentionMs }
}

function positiveMs(name: string, what: string, duration: Duration): number {
  const ms = durationMs(duration, `The ${what} of store '${name}'`)
  if (ms <= 0) throw invalidTime(name, what, ms, 'above 0')
  return ms
}

function invalidTime(store: string, what: string, ms: number, needed: string): StreamsError {
  return new StreamsError(
    'TOPOLOGY_WINDOW_INVALID',
    `The ${what} of store '${store}' is ${ms} ms; make it ${needed}.`,
    {
      details: { store, what, ms }
    }
  )
}
