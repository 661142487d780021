import { type Duration, durationMs, type Serde, StreamsError } from '../core/index.ts'
import { checkNodeOptions } from './check-node-options.ts'
import { legalName } from './names.ts'
import type { StoreHandle } from './store-handle.ts'
import type { StoreKind, StoreSpec } from './store-spec.ts'

/** What all kinds of stores take. */
export interface StoreOptions<K, V> {
  /** Serde of the keys. */
  readonly key: Serde<K>
  /** Serde of the values. */
  readonly value: Serde<V>
  /** False keeps the rows in memory and restores all of them at every start. Default true. */
  readonly persistent?: boolean | undefined
  /** False: no changelog, the rows are lost with the machine. An object: topic configs over the defaults. Default true. */
  readonly changelog?: boolean | Readonly<Record<string, string>> | undefined
}

/** Of a store of windows. */
export interface WindowStoreOptions<K, V> extends StoreOptions<K, V> {
  /** Length of a window, above 0: where one ends is not stored. */
  readonly windowSize: Duration
  /** How long a window can be read, counted from its start by the largest start ever put. At least the window's size. */
  readonly retention: Duration
  /** Entries of equal key and start stay apart. Default false. Not for a timestamped store. */
  readonly retainDuplicates?: boolean | undefined
}

/** Of a store of sessions. */
export interface SessionStoreOptions<K, V> extends StoreOptions<K, V> {
  /** How long a session can be read, counted from its end by the largest end ever put. */
  readonly retention: Duration
}

/** Of a store that keeps past versions. */
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
 * Persistent, with a changelog `<applicationId>-<name>-changelog`, unless the options say otherwise; never cached. The
 * same holds for all kinds of stores.
 *
 * @throws StreamsError `TOPOLOGY_INVALID` for a name that is not legal, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#keyValueStoreBuilder`
 * @example
 * ```ts
 * const last = keyValueStore('last', { key: string(), value: json<number>() })
 * builder
 *   .stream('readings', { key: string(), value: json<number>() })
 *   .processValues<number>(
 *     () => {
 *       let context: ProcessorContext<string, number>
 *       let store: KeyValueStore<string, number>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('last')
 *         },
 *         process(record) {
 *           context.forward({ ...record, value: record.value - (store.get(record.key) ?? 0) })
 *           store.put(record.key, record.value)
 *         }
 *       }
 *     },
 *     { stores: [last] }
 *   )
 *   .to('changes', { value: json<number>() })
 * ```
 * ```text
 * readings s1:20@0 → changes s1:20@0
 * readings s1:23@5s → changes s1:3@5s
 * ```
 */
export function keyValueStore<K, V>(name: string, options: StoreOptions<K, V>): TypedStoreSpec<K, V, 'key-value'> {
  checkStore(name, options)
  return declared(name, 'key-value', options, {})
}

/**
 * Declares a `TimestampedKeyValueStore`: each row has a timestamp, as the rows of tables.
 *
 * @throws StreamsError `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#timestampedKeyValueStoreBuilder`
 * @example
 * ```ts
 * const last = timestampedKeyValueStore('last', { key: string(), value: string() })
 * builder
 *   .stream('logins', { key: string(), value: string() })
 *   .processValues<string>(
 *     () => {
 *       let context: ProcessorContext<string, string>
 *       let store: TimestampedKeyValueStore<string, string>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('last')
 *         },
 *         process(record) {
 *           const before = store.get(record.key)
 *           store.put(record.key, record.value, record.timestampMs, record.headers)
 *           if (before !== undefined) {
 *             context.forward({ ...record, value: `before: ${before.value} at ${before.timestampMs} ms` })
 *           }
 *         }
 *       }
 *     },
 *     { stores: [last] }
 *   )
 *   .to('previous', { value: string() })
 * ```
 * ```text
 * logins alice:phone@0 →
 * logins alice:laptop@5s → previous alice:"before: phone at 0 ms"@5s
 * ```
 */
export function timestampedKeyValueStore<K, V>(
  name: string,
  options: StoreOptions<K, V>
): TypedStoreSpec<K, V, 'timestamped-key-value'> {
  checkStore(name, options)
  return declared(name, 'timestamped-key-value', options, {})
}

/**
 * Declares an `OrderedKeyValueStore`, whose entries can be gone through synchronously, in the order of their serialised
 * keys: for buffers, queues and prefixes.
 *
 * @throws StreamsError `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams has no such store; there, iterators of every store are synchronous
 * @example
 * ```ts
 * const queue = orderedKeyValueStore('queue', { key: string(), value: string() })
 * builder
 *   .stream('jobs', { key: string(), value: string() })
 *   .process<string, string>(
 *     () => {
 *       let jobs: OrderedKeyValueStore<string, string>
 *       return {
 *         init(context) {
 *           jobs = context.getStateStore('queue')
 *           context.schedule('1m', 'wall-clock', timestampMs => {
 *             const cursor = jobs.cursor()
 *             while (cursor.next()) {
 *               context.forward({ key: cursor.key, value: cursor.value, timestampMs, headers: [] })
 *               jobs.put(cursor.key, null)
 *             }
 *           })
 *         },
 *         process: ({ key, value }) => jobs.put(key, value)
 *       }
 *     },
 *     { stores: [queue] }
 *   )
 *   .to('by-priority', { key: string(), value: string() })
 * ```
 * ```text
 * jobs p2:clean@0 →
 * jobs p1:repair@5s →
 * --idle 1m → by-priority p1:repair@1m p2:clean@1m
 * ```
 */
export function orderedKeyValueStore<K, V>(
  name: string,
  options: StoreOptions<K, V>
): TypedStoreSpec<K, V, 'ordered-key-value'> {
  checkStore(name, options)
  return declared(name, 'ordered-key-value', options, {})
}

/**
 * Declares a `WindowStore`: values by key and start of a window, for as long as `retention`.
 *
 * @param options - `windowSize` and `retention`: above 0, the retention at least the size.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`, `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#windowStoreBuilder`
 * @example
 * ```ts
 * const seen = windowStore('seen', { key: string(), value: json<true>(), windowSize: '1m', retention: '1h' })
 * builder
 *   .stream('alarms', { key: string(), value: string() })
 *   .processValues<string>(
 *     () => {
 *       let context: ProcessorContext<string, string>
 *       let store: WindowStore<string, true>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('seen')
 *         },
 *         process(record) {
 *           const { key, timestampMs } = record
 *           const isNew = store.fetchRange(key, timestampMs - 60_000, timestampMs).length === 0
 *           store.put(key, true, timestampMs)
 *           if (isNew) context.forward(record)
 *         }
 *       }
 *     },
 *     { stores: [seen] }
 *   )
 *   .to('first-alarms', { value: string() })
 * ```
 * ```text
 * alarms s1:hot@0 → first-alarms s1:hot@0
 * alarms s1:hot@30s →
 * alarms s1:hot@2m → first-alarms s1:hot@2m
 * ```
 */
export function windowStore<K, V>(name: string, options: WindowStoreOptions<K, V>): TypedStoreSpec<K, V, 'window'> {
  checkStore(name, options, 'windowSize', 'retention', 'retainDuplicates')
  return declared(name, 'window', options, {
    ...windowTimes(name, options),
    retainDuplicates: options.retainDuplicates ?? false
  })
}

/**
 * Declares a `TimestampedWindowStore`: as a `WindowStore`, and each entry has a timestamp of its own.
 *
 * @param options - `windowSize` and `retention`: above 0, the retention at least the size.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`, `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#timestampedWindowStoreBuilder`
 * @example
 * ```ts
 * const days = timestampedWindowStore('days', {
 *   key: string(),
 *   value: json<number>(),
 *   windowSize: '1d',
 *   retention: '30d'
 * })
 * builder
 *   .stream('steps', { key: string(), value: json<number>() })
 *   .processValues<number>(
 *     () => {
 *       let context: ProcessorContext<string, number>
 *       let store: TimestampedWindowStore<string, number>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('days')
 *         },
 *         process(record) {
 *           const { key, timestampMs, headers } = record
 *           const startMs = timestampMs - (timestampMs % 86_400_000)
 *           const steps = (store.fetchOne(key, startMs)?.value ?? 0) + record.value
 *           store.put(key, steps, startMs, timestampMs, headers)
 *           context.forward({ ...record, value: steps })
 *         }
 *       }
 *     },
 *     { stores: [days] }
 *   )
 *   .to('steps-of-the-day', { value: json<number>() })
 * ```
 * ```text
 * steps alice:100@1h → steps-of-the-day alice:100@1h
 * steps alice:50@2h → steps-of-the-day alice:150@2h
 * steps alice:10@25h → steps-of-the-day alice:10@1d1h
 * ```
 */
export function timestampedWindowStore<K, V>(
  name: string,
  options: Omit<WindowStoreOptions<K, V>, 'retainDuplicates'>
): TypedStoreSpec<K, V, 'timestamped-window'> {
  checkStore(name, options, 'windowSize', 'retention')
  return declared(name, 'timestamped-window', options, windowTimes(name, options))
}

/**
 * Declares a `SessionStore`: values by key and the bounds of a session, which are inclusive.
 *
 * @param options - `retention`: above 0; how long a session can be read, counted from its end.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`, `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#sessionStoreBuilder`
 * @example
 * ```ts
 * const rides = sessionStore('rides', { key: string(), value: json<number>(), retention: '1d' })
 * builder
 *   .stream('rides', { key: string(), value: json<{ from: number; to: number }>() })
 *   .processValues<number>(
 *     () => {
 *       let context: ProcessorContext<string, number>
 *       let store: SessionStore<string, number>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('rides')
 *         },
 *         process(record) {
 *           const { from, to } = record.value
 *           const overlapping = store.findSessions(record.key, from, to)
 *           store.put(record.key, to - from, from, to)
 *           context.forward({ ...record, value: overlapping.length })
 *         }
 *       }
 *     },
 *     { stores: [rides] }
 *   )
 *   .to('double-bookings', { value: json<number>() })
 * ```
 * ```text
 * rides car1:{"from":0,"to":600}@0 → double-bookings car1:0@0
 * rides car1:{"from":500,"to":900}@5s → double-bookings car1:1@5s
 * rides car1:{"from":1000,"to":1200}@9s → double-bookings car1:0@9s
 * ```
 */
export function sessionStore<K, V>(name: string, options: SessionStoreOptions<K, V>): TypedStoreSpec<K, V, 'session'> {
  checkStore(name, options, 'retention')
  return declared(name, 'session', options, { retentionMs: positiveMs(name, 'retention', options.retention) })
}

/**
 * Declares a `VersionedKeyValueStore`, which keeps past versions of each key: what was valid at a time can be looked
 * up, and what comes late does not replace what is newer.
 *
 * @param options - `historyRetention`: 0 or more; how long past versions are kept, and how late one may be put.
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`, `DURATION_INVALID`, `TOPOLOGY_INVALID`, `TOPOLOGY_SERDE_MISSING`
 * @see Kafka Streams `Stores#versionedKeyValueStoreBuilder` (KIP-889)
 * @example
 * ```ts
 * const prices = versionedKeyValueStore('prices', { key: string(), value: json<number>(), historyRetention: '1d' })
 * builder
 *   .stream('prices', { key: string(), value: json<number>() })
 *   .processValues<number | null>(
 *     () => {
 *       let context: ProcessorContext<string, number | null>
 *       let store: VersionedKeyValueStore<string, number>
 *       return {
 *         init(given) {
 *           context = given
 *           store = given.getStateStore('prices')
 *         },
 *         process(record) {
 *           store.put(record.key, record.value, record.timestampMs)
 *           context.forward({ ...record, value: store.getAsOf(record.key, 5_000)?.value ?? null })
 *         }
 *       }
 *     },
 *     { stores: [prices] }
 *   )
 *   .to('price-at-5s', { value: json<number>() })
 * ```
 * ```text
 * prices tea:3@10s → price-at-5s tea:null@10s
 * prices tea:2@4s → price-at-5s tea:2@4s
 * prices tea:1@2s → price-at-5s tea:2@2s
 * ```
 */
export function versionedKeyValueStore<K, V>(
  name: string,
  options: VersionedStoreOptions<K, V>
): TypedStoreSpec<K, V, 'versioned-key-value'> {
  checkStore(name, options, 'historyRetention')
  const historyRetentionMs = durationMs(options.historyRetention, `The history retention of store '${name}'`)
  if (historyRetentionMs < 0) throw invalidTime(name, 'history retention', historyRetentionMs, 'at least 0')
  return declared(name, 'versioned-key-value', options, { historyRetentionMs })
}

function checkStore(name: string, options: StoreOptions<any, any>, ...others: readonly string[]): void {
  legalName(name, 'store')
  checkNodeOptions(`Store '${name}'`, options, ['key', 'value', 'persistent', 'changelog', ...others])
  for (const role of ['key', 'value'] as const) {
    if (options[role] !== undefined) continue
    throw new StreamsError(
      'TOPOLOGY_SERDE_MISSING',
      `Store '${name}' has no ${role} serde. Pass one, for example { ${role}: string() }.`,
      { details: { store: name, role } }
    )
  }
}

function declared<K, V, Kind extends StoreKind>(
  name: string,
  kind: Kind,
  options: StoreOptions<K, V>,
  times: Partial<Omit<StoreSpec, 'kind'>>
): TypedStoreSpec<K, V, Kind> {
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
