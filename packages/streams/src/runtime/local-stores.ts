import {
  type KeyValueRow,
  type ReadOnlyKeyValueStore,
  type ReadOnlySessionStore,
  type ReadOnlyVersionedKeyValueStore,
  type ReadOnlyWindowStore,
  type SessionRow,
  type StateStore,
  StreamsError,
  type VersionedRecord,
  type Windowed
} from '../core/index.ts'
import type { Topology } from '../topology/index.ts'
import type { Task } from './task/task.ts'

/** What queries need of the application at each call: tasks come and go. */
export interface LocalTasks {
  readonly tasks: ReadonlyMap<string, Task>
  /** Ids of assigned tasks that are being restored. */
  readonly restoringTasks: readonly string[]
  /** Whole in this process. */
  readonly globalStores: ReadonlyMap<string, StateStore>
  readonly running: boolean
}

/** The parts of one store in this process: one per local task. Reads see what is processed, committed or not. */
export class LocalStores {
  readonly #topology: Topology
  readonly #local: LocalTasks

  constructor(topology: Topology, local: LocalTasks) {
    this.#topology = topology
    this.#local = local
  }

  /** @throws StreamsError `STORE_NOT_FOUND` naming the stores there are. */
  open(name: string): StateStore {
    const { subTopologies, globalSubTopologies } = this.#topology
    const specs = [...subTopologies, ...globalSubTopologies].flatMap(sub => sub.stores)
    const spec = specs.find(candidate => candidate.name === name)
    if (spec === undefined) {
      throw new StreamsError(
        'STORE_NOT_FOUND',
        `There is no store '${name}'. The topology has ${specs.map(store => `'${store.name}'`).join(', ') || 'none'}. Name one with { store }.`,
        { details: { store: name } }
      )
    }
    const parts = () => this.#parts(name)
    switch (spec.kind) {
      case 'window':
      case 'timestamped-window':
        return new LocalWindowStore(name, parts)
      case 'session':
        return new LocalSessionStore(name, parts)
      case 'versioned-key-value':
        return new LocalVersionedStore(name, parts)
      default:
        return new LocalKeyValueStore(name, parts)
    }
  }

  #parts(name: string): unknown[] {
    const { tasks, restoringTasks, running } = this.#local
    if (!running) {
      throw new StreamsError(
        'STORE_NOT_READY',
        `The store '${name}' cannot be read: the application is not running${restoringTasks.length > 0 ? `, tasks ${restoringTasks.join(', ')} are being restored` : ''}. Try again when its state is RUNNING.`,
        { details: { store: name, restoringTasks } }
      )
    }
    const global = this.#local.globalStores.get(name)
    if (global !== undefined) return [global]
    const parts: unknown[] = []
    for (const task of tasks.values()) {
      const store = task.state.stores.get(name)
      if (store !== undefined) parts.push(store)
    }
    return parts
  }
}

class LocalKeyValueStore<K, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly name: string
  readonly #parts: () => ReadOnlyKeyValueStore<K, V>[]

  constructor(name: string, parts: () => unknown[]) {
    this.name = name
    this.#parts = parts as () => ReadOnlyKeyValueStore<K, V>[]
  }

  get(key: K): V | undefined {
    for (const part of this.#parts()) {
      const value = part.get(key)
      if (value !== undefined) return value
    }
    return undefined
  }

  async *range(from?: K, to?: K): AsyncIterable<KeyValueRow<K, V>> {
    for (const part of this.#parts()) yield* part.range(from, to)
  }

  async *all(): AsyncIterable<KeyValueRow<K, V>> {
    for (const part of this.#parts()) yield* part.all()
  }

  approximateNumEntries(): number {
    return this.#parts().reduce((sum, part) => sum + part.approximateNumEntries(), 0)
  }
}

class LocalWindowStore<K, V> implements ReadOnlyWindowStore<K, V> {
  readonly name: string
  readonly #parts: () => ReadOnlyWindowStore<K, V>[]

  constructor(name: string, parts: () => unknown[]) {
    this.name = name
    this.#parts = parts as () => ReadOnlyWindowStore<K, V>[]
  }

  fetchOne(key: K, windowStartMs: number): V | undefined {
    for (const part of this.#parts()) {
      const value = part.fetchOne(key, windowStartMs)
      if (value !== undefined) return value
    }
    return undefined
  }

  async *fetch(key: K, fromMs: number, toMs: number): AsyncIterable<{ windowStartMs: number; value: V }> {
    for (const part of this.#parts()) yield* part.fetch(key, fromMs, toMs)
  }

  async *fetchAll(fromMs: number, toMs: number): AsyncIterable<KeyValueRow<Windowed<K>, V>> {
    for (const part of this.#parts()) yield* part.fetchAll(fromMs, toMs)
  }

  async *all(): AsyncIterable<KeyValueRow<Windowed<K>, V>> {
    for (const part of this.#parts()) yield* part.all()
  }
}

class LocalSessionStore<K, V> implements ReadOnlySessionStore<K, V> {
  readonly name: string
  readonly #parts: () => ReadOnlySessionStore<K, V>[]

  constructor(name: string, parts: () => unknown[]) {
    this.name = name
    this.#parts = parts as () => ReadOnlySessionStore<K, V>[]
  }

  fetchSession(key: K, startMs: number, endMs: number): V | undefined {
    for (const part of this.#parts()) {
      const value = part.fetchSession(key, startMs, endMs)
      if (value !== undefined) return value
    }
    return undefined
  }

  async *fetch(key: K, earliestEndMs?: number, latestStartMs?: number): AsyncIterable<SessionRow<V>> {
    for (const part of this.#parts()) yield* part.fetch(key, earliestEndMs, latestStartMs)
  }

  async *all(): AsyncIterable<KeyValueRow<Windowed<K>, V>> {
    for (const part of this.#parts()) yield* part.all()
  }
}

class LocalVersionedStore<K, V> implements ReadOnlyVersionedKeyValueStore<K, V> {
  readonly name: string
  readonly #parts: () => ReadOnlyVersionedKeyValueStore<K, V>[]

  constructor(name: string, parts: () => unknown[]) {
    this.name = name
    this.#parts = parts as () => ReadOnlyVersionedKeyValueStore<K, V>[]
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#first(part => part.get(key))
  }

  getAsOf(key: K, asOfMs: number): VersionedRecord<V> | undefined {
    return this.#first(part => part.getAsOf(key, asOfMs))
  }

  /** A key is in one partition only, so its versions are all in one part. */
  versions(key: K, fromMs: number, toMs: number): readonly VersionedRecord<V>[] {
    return (
      this.#first(part => {
        const found = part.versions(key, fromMs, toMs)
        return found.length === 0 ? undefined : found
      }) ?? []
    )
  }

  async *all(): AsyncIterable<KeyValueRow<K, VersionedRecord<V>>> {
    for (const part of this.#parts()) yield* part.all()
  }

  approximateNumEntries(): number {
    return this.#parts().reduce((sum, part) => sum + part.approximateNumEntries(), 0)
  }

  #first<R>(read: (part: ReadOnlyVersionedKeyValueStore<K, V>) => R | undefined): R | undefined {
    for (const part of this.#parts()) {
      const found = read(part)
      if (found !== undefined) return found
    }
    return undefined
  }
}
