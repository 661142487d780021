import { type Duration, durationMs, type Serde, StreamsError } from '../core/index.ts'
import { checkNodeOptions, legalName, type StoreHandle, type StoreSpec } from '../topology/index.ts'
import type { DslGraph } from './graph/dsl-graph.ts'
import type { ExactSerde } from './sink-serde.ts'

/** What every operator takes. */
export interface NamedOptions {
  /** Name of the node; without it one is generated, as `KSTREAM-MAP-0000000003`. Letters, digits, `.`, `_`, `-`. */
  readonly name?: string | undefined
}

/** How a table is stored. Options that are not given follow the stream or table above. */
export interface MaterializedOptions<K, V> extends NamedOptions {
  /** Names the store, by which it can be queried, and its changelog, `<applicationId>-<store>-changelog`. */
  readonly store?: string | undefined
  /** Default: that of the stream or table above. Needed where an operator above may have changed the type. */
  readonly key?: ExactSerde<K> | undefined
  /** Default: that of the stream or table above, as far as the type stays. Needed where it may have changed. */
  readonly value?: ExactSerde<V> | undefined
  /** False forwards every update at once, also when the application has a record cache. Default true. */
  readonly caching?: boolean | undefined
  /** False: no changelog, the rows are lost with the machine. An object: topic configs over the defaults. Default true. */
  readonly changelog?: boolean | Readonly<Record<string, string>> | undefined
  /** False keeps the rows in memory and restores all of them at every start. Default true. */
  readonly persistent?: boolean | undefined
  /**
   * Keeps past versions of each row for so long: the table is versioned. Stream joins then look up what was valid at a
   * record's time, and updates that come out of order no longer replace newer ones. Without it only the last update
   * counts. 0 or more. Such a table is not cached and has no global form; a table that is computed from others needs a
   * `store` for it (`TOPOLOGY_INVALID`), and is queried by `queryableVersionedStore`.
   *
   * @see Kafka Streams `Stores#persistentVersionedKeyValueStore` (KIP-889, KIP-914)
   * @example
   * ```ts
   * const prices = builder.table('prices', { key: string(), value: json<number>(), historyRetention: '1h' })
   * builder
   *   .stream('sales', { key: string(), value: json<number>() })
   *   .join(prices, (count, price) => count * price)
   *   .to('revenue', { value: json<number>() })
   * ```
   * ```text
   * prices tea:3@0 →
   * prices tea:4@10s →
   * sales tea:2@5s → revenue tea:6@5s
   * sales tea:2@15s → revenue tea:8@15s
   * ```
   */
  readonly historyRetention?: Duration | undefined
}

/** How a table of windows is stored. */
export interface WindowMaterializedOptions<K, V> extends MaterializedOptions<K, V> {
  /**
   * How long a window can be read, counted by stream time from its start (a session: from its end). Default and minimum:
   * size + grace; sliding: twice the difference + grace; session: gap + grace.
   */
  readonly retention?: Duration | undefined
}

/** How the table of an aggregation is stored, whose type nothing else has a serde for. */
export interface AggregateOptions<K, A> extends MaterializedOptions<K, A> {
  /** Serde of the aggregate. */
  readonly value: ExactSerde<A>
}

/** How the table of an aggregation of windows is stored. */
export interface WindowAggregateOptions<K, A> extends WindowMaterializedOptions<K, A> {
  /** Serde of the aggregate. */
  readonly value: ExactSerde<A>
}

/** What a store's spec takes from the options, whatever the types of its rows. */
type StoreOptions = Pick<
  WindowMaterializedOptions<unknown, unknown>,
  'store' | 'caching' | 'changelog' | 'persistent' | 'historyRetention' | 'retention'
>

const PLAIN = ['store', 'key', 'value', 'caching', 'changelog', 'persistent'] as const
const MATERIALIZED = [...PLAIN, 'historyRetention', 'retention'] as const

/** Names of the options of `MaterializedOptions`. */
export const MATERIALIZED_OPTIONS: readonly string[] = ['name', ...PLAIN, 'historyRetention']
const WINDOW_MATERIALIZED_OPTIONS: readonly string[] = ['name', ...PLAIN, 'retention']

/**
 * Whether anything but the node's name was given. Kafka Streams has overloads with and without `Materialized`, which use
 * up different numbers for generated names.
 */
export function isMaterialized(options: StoreOptions): boolean {
  return MATERIALIZED.some(name => (options as Record<string, unknown>)[name] !== undefined)
}

export interface StoreName {
  readonly name: string
  /** Given by the user: it can be queried. */
  readonly isNamed: boolean
}

/** The name that was given, or else a generated one; only the latter uses up a number. */
export function storeName(
  graph: DslGraph,
  options: { readonly store?: string | undefined },
  prefix: string
): StoreName {
  return options.store === undefined
    ? { name: graph.names.store(prefix), isNamed: false }
    : { name: graph.names.give(legalName(options.store, 'store')), isNamed: true }
}

export function keyValueStore<K, V>(name: string, key: Serde<K>, value: Serde<V>, options: StoreOptions): StoreSpec {
  const spec = { ...common(name, key, value, options), windowSizeMs: undefined, retentionMs: undefined }
  const historyMs = historyRetentionMs(name, options)
  return historyMs === undefined
    ? { ...spec, kind: 'timestamped-key-value' }
    : { ...spec, kind: 'versioned-key-value', caching: false, historyRetentionMs: historyMs }
}

/** @throws StreamsError `TOPOLOGY_INVALID` when it is negative. */
export function historyRetentionMs(
  storeName: string,
  options: Pick<StoreOptions, 'historyRetention'>
): number | undefined {
  if (options.historyRetention === undefined) return undefined
  const retentionMs = durationMs(options.historyRetention, `The history retention of store '${storeName}'`)
  if (retentionMs >= 0) return retentionMs
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `Store '${storeName}' cannot have a negative history retention, ${retentionMs} ms.`,
    { details: { store: storeName, retentionMs } }
  )
}

/** A versioned table's handle has another kind than its type says; `KTable` gives it out only as what it is. */
export function keyValueHandle<K, V>({
  name,
  kind
}: Pick<StoreSpec, 'name' | 'kind'>): StoreHandle<K, V, 'timestamped-key-value'> {
  return { name, kind: kind as 'timestamped-key-value' }
}

/** What kind of windows a store is for. */
export interface WindowStoreShape {
  readonly kind: 'timestamped-window' | 'session'
  readonly windowSizeMs: number | undefined
  /** The least retention, which is also the default. */
  readonly neededMs: number
  /** What takes so long, for the error. */
  readonly need: string
  /** Read in order of time, for emitting on close. Then there is no cache: nothing is forwarded but what is closed. */
  readonly isTimeOrdered: boolean
}

/** @throws StreamsError `TOPOLOGY_WINDOW_INVALID` when the retention is below what the windows need. */
export function windowStore<K, V>(
  name: string,
  key: Serde<K>,
  value: Serde<V>,
  { kind, windowSizeMs, neededMs, need, isTimeOrdered }: WindowStoreShape,
  options: StoreOptions
): StoreSpec {
  const retentionMs =
    options.retention === undefined ? neededMs : durationMs(options.retention, `The retention of store '${name}'`)
  if (retentionMs < neededMs) {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `Store '${name}' keeps windows for ${retentionMs} ms, but ${need} need ${neededMs}. Raise the retention.`,
      { details: { store: name, retentionMs, neededMs } }
    )
  }
  const spec = { ...common(name, key, value, options), kind, windowSizeMs, retentionMs }
  if (!isTimeOrdered) return spec
  return { ...spec, caching: false, timeOrdered: true, retentionInclusive: kind === 'timestamped-window' }
}

function common<K, V>(name: string, key: Serde<K>, value: Serde<V>, options: StoreOptions) {
  const { changelog = true } = options
  return {
    name,
    key,
    value,
    persistent: options.persistent ?? true,
    caching: options.caching ?? true,
    changelog:
      changelog === false ? undefined : { sourceTopic: undefined, topicConfig: changelog === true ? {} : changelog }
  }
}

/** Refuses options that do not exist, and misuse of those that do. */
export function checkMaterialized(where: string, options: object, isWindowed = false): void {
  checkNodeOptions(where, options, isWindowed ? WINDOW_MATERIALIZED_OPTIONS : MATERIALIZED_OPTIONS)
}
