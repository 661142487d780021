import { type Headers, type KeyValueSerdes, type SerdeUse, type StateStore, StreamsError } from '@millrace/streams/core'
import type { RawStoreProvider } from '@millrace/streams/ports'
import { type ErrorHandlers, resolveConfig } from '@millrace/streams/runtime'
import type { Topology } from '@millrace/streams/topology'
import { MemoryCluster } from './driver/memory-cluster.ts'
import { MemoryStoreProvider } from './driver/memory-store-provider.ts'
import { MockClock } from './driver/mock-clock.ts'
import { RunningTopology, type Surroundings } from './driver/running-topology.ts'
import { TestInputTopic } from './driver/test-input-topic.ts'
import { TestOutputTopic } from './driver/test-output-topic.ts'
import { type StoreSnapshot, storeSnapshot } from './store-snapshot.ts'

export interface TestDriverOptions {
  /** Default `test`. */
  readonly applicationId?: string
  /** Where the wall clock stands at first. Default 0. */
  readonly startWallClockMs?: number
  /** 0, the default, forwards every update at once; above it updates are held until `commit`. */
  readonly cacheBytes?: number
  readonly handlers?: Partial<ErrorHandlers>
  /**
   * Where persistent stores lie: in memory by default; a `LevelStoreProvider` of `@millrace/store-level` is what applications use.
   * Closed with the driver, and when the driver cannot be opened.
   */
  readonly stores?: RawStoreProvider
}

export interface RestartOptions {
  /**
   * The topology that starts. Build it anew when its processors share anything through variables around them. Another
   * version of the application is possible as well. Default: the one that ran, with new processors.
   */
  readonly topology?: Topology
  /** `lost`: the persistent stores are gone and are restored from the changelogs. Default `kept`. */
  readonly disk?: 'kept' | 'lost'
}

export interface SnapshotOptions {
  /** Default: all stores, those included that operators keep for themselves. */
  readonly stores?: readonly string[]
  /**
   * Each value as `{ value, timestampMs }` where the store has timestamps; of a versioned store a list of all versions of a key.
   * Default false: values alone.
   */
  readonly timestamps?: boolean
}

/**
 * Runs a topology in this process, without Kafka: the production task over the whole topology, one partition a topic, a clock
 * that only moves when told to. Records travel as bytes, through repartition topics too.
 *
 * Nothing is committed by itself: `commit` does what an application does at every commit interval. `restart` ends the
 * application and starts it anew, from what a cluster and a disk keep.
 *
 * @see Kafka Streams `TopologyTestDriver`
 */
export class TopologyTestDriver {
  readonly #surroundings: Surroundings
  #topology: Topology
  #running: RunningTopology
  /** Serdes of the test's own topics; see `settle`. */
  readonly #preparing: Promise<void>[] = []
  /** Something was thrown that would have stopped an application. */
  #hasFailed = false

  private constructor(surroundings: Surroundings, topology: Topology, running: RunningTopology) {
    this.#surroundings = surroundings
    this.#topology = topology
    this.#running = running
  }

  /** @throws StreamsError `CONFIG_INVALID`, and what starting an application with this topology and these stores throws. */
  static async open(topology: Topology, options: TestDriverOptions = {}): Promise<TopologyTestDriver> {
    const { applicationId = 'test', startWallClockMs = 0, cacheBytes = 0 } = options
    const { deadLetterTopic, ...handlers } = options.handlers ?? {}
    const deadLetters = deadLetterTopic === undefined ? {} : { deadLetterTopic }
    const surroundings: Surroundings = {
      config: resolveConfig({ applicationId, cacheBytes, ...handlers, ...deadLetters }),
      cluster: new MemoryCluster(),
      stores: options.stores ?? new MemoryStoreProvider(),
      clock: new MockClock(startWallClockMs)
    }
    try {
      return new TopologyTestDriver(surroundings, topology, await RunningTopology.start(topology, surroundings))
    } catch (error) {
      await surroundings.stores.close()
      throw error
    }
  }

  /**
   * Ends the application and starts it anew, with new processors, by the code that takes over a task in production. What outlives it:
   *
   * - the records of all topics; input and output topics that were asked for before stay valid;
   * - committed offsets with their metadata: stream times, what operators remember in node states, and the deadlines of
   *   punctuations, which keep the phase of the first start;
   * - changelogs, and the persistent stores unless the disk is `lost`; other stores are restored from changelogs, global ones are read
   *   anew from their topics;
   * - the wall clock.
   *
   * It commits before it ends. After an error it does not: what was processed since the last commit is processed again, as under
   * `at_least_once`, and what was written since then stays in the topics. Stores must be asked for again.
   *
   * @throws what starting an application with this topology throws, say `STATE_LAYOUT_CHANGED`; then the driver can only be closed.
   */
  async restart({ topology = this.#topology, disk = 'kept' }: RestartOptions = {}): Promise<void> {
    const { stores } = this.#surroundings
    if (!this.#hasFailed) {
      await this.settle()
      await this.commit()
    }
    await this.#running.close()
    if (disk === 'lost') for (const name of await stores.list()) await stores.destroy(name)
    this.#topology = topology
    this.#running = await RunningTopology.start(topology, this.#surroundings)
    this.#hasFailed = false
    this.#drain()
  }

  /** @throws StreamsError `TOPIC_MISSING` when the topology does not read this topic. */
  inputTopic<K, V>(topic: string, serdes: KeyValueSerdes<K, V>): TestInputTopic<K, V> {
    this.#requireInput(topic)
    this.#prepare(serdes, topic, 'write')
    return new TestInputTopic(
      topic,
      serdes,
      (key, value, timestampMs, headers) => this.#pipe(topic, key, value, timestampMs, headers),
      ms => this.advanceWallClock(ms)
    )
  }

  /** Also of an internal topic, by its full name: `<applicationId>-<store>-changelog`. */
  outputTopic<K, V>(topic: string, serdes: KeyValueSerdes<K, V>): TestOutputTopic<K, V> {
    this.#prepare(serdes, topic, 'read')
    return new TestOutputTopic(this.#surroundings.cluster.log(topic), serdes)
  }

  /** Names of the topics that were written to, changelogs and repartition topics included. */
  producedTopics(): string[] {
    return [...this.#surroundings.cluster.logs].filter(log => log.produced.length > 0).map(({ topic }) => topic)
  }

  /** Valid until the next `restart`. @throws StreamsError `STORE_NOT_FOUND`. */
  store<S>(name: string): S {
    const store = this.#running.store(name)
    if (store !== undefined) return store as S
    const names = this.#running.storeNames.map(key => `'${key}'`).join(', ')
    throw new StreamsError('STORE_NOT_FOUND', `There is no store '${name}'. The topology has ${names || 'none'}.`, {
      details: { store: name }
    })
  }

  /**
   * What the stores hold, as plain data for `toEqual` and snapshots: by store, in order of names, then by key, in order of the
   * keys' texts.
   *
   * @throws StreamsError `STORE_NOT_FOUND`
   */
  async snapshot({ stores, timestamps = false }: SnapshotOptions = {}): Promise<Record<string, StoreSnapshot>> {
    const all = [...this.#topology.subTopologies, ...this.#topology.globalSubTopologies].flatMap(sub => sub.stores)
    const kinds = new Map(all.map(spec => [spec.name, spec]))
    const entries: [string, StoreSnapshot][] = []
    for (const name of [...(stores ?? kinds.keys())].sort()) {
      const store = this.store<StateStore>(name)
      const spec = kinds.get(name)
      if (spec !== undefined) entries.push([name, await storeSnapshot(spec, store, timestamps)])
    }
    return Object.fromEntries(entries)
  }

  /** Moves the wall clock on. */
  advanceWallClock(ms: number): void {
    this.#surroundings.clock.advance(ms)
    this.#drain()
  }

  /**
   * Waits for asynchronous punctuations and for serdes that ask a schema registry, those of `inputTopic` and `outputTopic` included,
   * and processes what follows.
   *
   * @throws what preparing the serdes of a topic failed with, and what the topology threw.
   */
  async settle(): Promise<void> {
    await Promise.all(this.#preparing.splice(0))
    for (let pending = this.#running.pending; pending !== undefined; pending = this.#running.pending) {
      await pending
      this.#drain()
    }
  }

  /** What an application does at every commit interval: empties the caches, commits, writes the state, deletes what expired. */
  async commit(): Promise<void> {
    try {
      await this.#running.commit()
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  /** Ends the application without a commit, and closes the stores. */
  async close(): Promise<void> {
    try {
      await this.#running.close()
    } finally {
      await this.#surroundings.stores.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #prepare({ key, value }: KeyValueSerdes<unknown, unknown>, topic: string, use: SerdeUse): void {
    const added = [key.prepare?.({ topic, isKey: true }, use), value.prepare?.({ topic, isKey: false }, use)]
    for (const promise of added) {
      if (promise === undefined) continue
      // Thrown by `settle`; who never calls it meets `SERDE_NOT_READY`.
      promise.catch(() => {})
      this.#preparing.push(promise)
    }
  }

  #requireInput(topic: string): void {
    if (this.#running.reads(topic)) return
    const { applicationId } = this.#surroundings.config
    const names = this.#running.inputs.map(name => `'${name}'`).join(', ')
    throw new StreamsError(
      'TOPIC_MISSING',
      `The topology of '${applicationId}' does not read '${topic}'. It reads ${names}.`,
      { details: { topics: [topic] } }
    )
  }

  #pipe(topic: string, key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers): void {
    this.#requireInput(topic)
    this.#surroundings.cluster.log(topic).append(key, value, timestampMs, headers)
    this.#drain()
  }

  #drain(): void {
    try {
      this.#running.drain()
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }
}
