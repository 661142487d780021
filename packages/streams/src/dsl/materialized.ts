import { checkOptions, type Duration, durationMs, type Serde, StreamsError, type TimeWindows } from '../core/index.ts'
import { legalName, type StoreSpec } from '../topology/index.ts'
import type { DslGraph } from './graph/dsl-graph.ts'
import type { ExactSerde } from './sink-serde.ts'

export interface NamedOptions {
  /** Name of the node; without it one is generated, as `KSTREAM-MAP-0000000003`. Letters, digits, `.`, `_`, `-`. */
  readonly name?: string | undefined
}

/** How a table is stored. Options that are not given follow the stream or table above. */
export interface MaterializedOptions<K, V> extends NamedOptions {
  /** Names the store, by which it can be queried, and its changelog, `<applicationId>-<store>-changelog`. */
  readonly store?: string | undefined
  readonly key?: ExactSerde<K> | undefined
  readonly value?: ExactSerde<V> | undefined
  /** False forwards every update at once, also when the application has a record cache. Default true. */
  readonly caching?: boolean | undefined
  /** False: no changelog, the rows are lost with the machine. An object: topic configs over the defaults. Default true. */
  readonly changelog?: boolean | Readonly<Record<string, string>> | undefined
  /** False keeps the rows in memory and restores all of them at every start. Default true. */
  readonly persistent?: boolean | undefined
}

/** How a table of windows is stored. */
export interface WindowMaterializedOptions<K, V> extends MaterializedOptions<K, V> {
  /** How long a window can be read, counted from its start by stream time. Default and minimum: size + grace. */
  readonly retention?: Duration | undefined
}

/** How the table of an aggregation is stored, whose type nothing else has a serde for. */
export interface AggregateOptions<K, A> extends MaterializedOptions<K, A> {
  readonly value: ExactSerde<A>
}

export interface WindowAggregateOptions<K, A> extends WindowMaterializedOptions<K, A> {
  readonly value: ExactSerde<A>
}

/** What a store's spec takes from the options, whatever the types of its rows. */
type StoreOptions = Pick<
  WindowMaterializedOptions<unknown, unknown>,
  'store' | 'caching' | 'changelog' | 'persistent' | 'retention'
>

const MATERIALIZED = ['store', 'key', 'value', 'caching', 'changelog', 'persistent', 'retention'] as const

/** Names of the options of `MaterializedOptions`. */
export const MATERIALIZED_OPTIONS: readonly string[] = ['name', ...MATERIALIZED.slice(0, -1)]
const WINDOW_MATERIALIZED_OPTIONS: readonly string[] = ['name', ...MATERIALIZED]

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
    : { name: legalName(options.store, 'store'), isNamed: true }
}

export function keyValueStore<K, V>(name: string, key: Serde<K>, value: Serde<V>, options: StoreOptions): StoreSpec {
  return {
    ...common(name, key, value, options),
    kind: 'timestamped-key-value',
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}

/** @throws StreamsError `TOPOLOGY_WINDOW_INVALID` when the retention is below size + grace. */
export function windowStore<K, V>(
  name: string,
  key: Serde<K>,
  value: Serde<V>,
  windows: TimeWindows,
  options: StoreOptions
): StoreSpec {
  const neededMs = windows.sizeMs + windows.graceMs
  const retentionMs =
    options.retention === undefined ? neededMs : durationMs(options.retention, `The retention of store '${name}'`)
  if (retentionMs < neededMs) {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `Store '${name}' keeps windows for ${retentionMs} ms, but windows of ${windows.sizeMs} ms with a grace of ${windows.graceMs} ms need ${neededMs}. Raise the retention.`,
      { details: { store: name, retentionMs, sizeMs: windows.sizeMs, graceMs: windows.graceMs } }
    )
  }
  return { ...common(name, key, value, options), kind: 'timestamped-window', windowSizeMs: windows.sizeMs, retentionMs }
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
  checkOptions(where, options, isWindowed ? WINDOW_MATERIALIZED_OPTIONS : MATERIALIZED_OPTIONS)
}
