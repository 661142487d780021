import { type Serde, type SerdeContext, sessionKey, StreamsError, type Windowed, windowedKey } from '../core/index.ts'
import { changelogTopicName, resolveTopicName, type StoreSpec, type Topology } from '../topology/index.ts'

/** The topic that a store is restored from. */
export interface StoreChangelog<K, V> {
  readonly topic: string
  /** Of the topic's keys: for stores of windows and sessions, that of windowed keys. */
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Behind the start of a window stands a number that tells duplicates apart, and else is 0. */
const SEQUENCE_BYTES = 4

/** @throws StreamsError `STORE_NOT_FOUND` */
export function storeChangelog(
  topology: Topology,
  applicationId: string,
  name: string
): StoreChangelog<unknown, unknown> {
  const specs = [...topology.subTopologies, ...topology.globalSubTopologies].flatMap(sub => sub.stores)
  const spec = specs.find(candidate => candidate.name === name)
  if (spec === undefined) {
    throw new StreamsError(
      'STORE_NOT_FOUND',
      `There is no store '${name}'. The topology has ${specs.map(store => `'${store.name}'`).join(', ') || 'none'}. Name one with { store }.`,
      { details: { store: name } }
    )
  }
  if (spec.changelog === undefined) {
    throw new StreamsError(
      'STORE_NOT_FOUND',
      `The store '${name}' has no changelog. Declare it without changelog: false; of a global table, read the topic itself.`,
      { details: { store: name } }
    )
  }
  const { sourceTopic } = spec.changelog
  const topic =
    sourceTopic === undefined ? changelogTopicName(name, applicationId) : resolveTopicName(sourceTopic, applicationId)
  return { topic, key: keySerdeOf(spec), value: spec.value }
}

function keySerdeOf({ kind, key, windowSizeMs }: StoreSpec): Serde<unknown> {
  if (kind === 'session') return sessionKey(key) as Serde<unknown>
  if (kind !== 'window' && kind !== 'timestamped-window') return key
  const inner = windowedKey<unknown>(key, windowSizeMs === undefined ? {} : { sizeMs: windowSizeMs })
  return new WindowStoreKeySerde(inner) as Serde<unknown>
}

/**
 * A key as window stores write it to their changelogs.
 *
 * @see Kafka Streams `WindowKeySchema#toStoreKeyBinary`
 */
class WindowStoreKeySerde implements Serde<Windowed<unknown>> {
  readonly name: string
  readonly #windowed: Serde<Windowed<unknown>>

  constructor(windowed: Serde<Windowed<unknown>>) {
    this.name = `store-${windowed.name}`
    this.#windowed = windowed
  }

  prepare(...args: Parameters<NonNullable<Serde<unknown>['prepare']>>): Promise<void> | undefined {
    return this.#windowed.prepare?.(...args)
  }

  serialize(value: Windowed<unknown>, context: SerdeContext): Uint8Array {
    return Buffer.concat([this.#windowed.serialize(value, context), Buffer.alloc(SEQUENCE_BYTES)])
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): Windowed<unknown> {
    return this.#windowed.deserialize(bytes.subarray(0, Math.max(0, bytes.length - SEQUENCE_BYTES)), context)
  }
}
