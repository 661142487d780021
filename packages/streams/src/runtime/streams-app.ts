import {
  type DropReason,
  isStreamsError,
  type ReadOnlyKeyValueStore,
  type ReadOnlySessionStore,
  type ReadOnlyVersionedKeyValueStore,
  type ReadOnlyWindowStore,
  type StateStore,
  StreamsError,
  type ValueAndTimestamp,
  type Windowed
} from '../core/index.ts'
import type {
  Clock,
  EventLoop,
  Fetcher,
  KafkaClient,
  Logger,
  RawStoreProvider,
  RecordProducer
} from '../ports/index.ts'
import type { StoreHandle, StoreKind, Topology } from '../topology/index.ts'
import type { AppMetrics, TaskSnapshot } from './app-metrics.ts'
import { type AppState, type StateListener, TRANSITIONS } from './app-state.ts'
import { createTaskAssignor } from './assignment/index.ts'
import { EndTracker } from './end-tracker.ts'
import { fetcherOptions } from './fetcher-options.ts'
import { firstConnection } from './first-connection.ts'
import { GlobalTables } from './global-tables.ts'
import { ensureTopics, type PrepareOptions, prepareTopics } from './internal-topics.ts'
import { LocalStores, type LocalTasks } from './local-stores.ts'
import { decidesOverRefused } from './refused-records.ts'
import type { RestoreListener } from './restore-listener.ts'
import { Restorer } from './restorer.ts'
import { StreamLoop } from './stream-loop.ts'
import { type StoreChangelog, storeChangelog } from './store-changelog.ts'
import { resolveConfig } from './resolve-config.ts'
import type { ResolvedConfig, StreamsConfig } from './streams-config.ts'
import type { Task } from './task/task.ts'
import { TaskOpener } from './task-opener.ts'
import type { TopicPlan } from './topic-plan.ts'
import { checkTopology } from './topology-check.ts'
import { checkWrittenTopics } from './written-topics.ts'

/** Everything that touches the world outside. */
export interface StreamsPorts {
  readonly client: KafkaClient
  readonly stores: RawStoreProvider
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly logger: Logger
  readonly restoreListener?: RestoreListener | undefined
}

/** Kinds of stores whose rows belong to a window or a session of a key. */
export type WindowedKind = 'window' | 'timestamped-window' | 'session'

const DEFAULT_CLOSE_TIMEOUT_MS = 30_000
/** Of the time that closing may take: for the last commit. The rest is for leaving the group and for closing what is open. */
const COMMIT_SHARE = 2 / 3
/** However little time was given, so that brokers that answer are not given up. */
const LEAST_COMMIT_MS = 5_000

/**
 * One instance of an application: a member of its consumer group, with its share of the tasks. Scale by running more
 * processes.
 *
 * @see Kafka Streams `KafkaStreams`
 */
export class StreamsApp {
  readonly #topology: Topology
  readonly #config: ResolvedConfig
  readonly #ports: StreamsPorts
  readonly #listeners = new Set<StateListener>()
  #state: AppState = 'CREATED'
  #error: Error | undefined
  #loop: StreamLoop | undefined
  #fetcher: Fetcher | undefined
  #restorer: Restorer | undefined
  #globalTables: GlobalTables | undefined
  #finished: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #closeRequested = Promise.withResolvers<void>()

  /** @throws StreamsError `CONFIG_INVALID` */
  constructor(topology: Topology, config: StreamsConfig, ports: StreamsPorts) {
    this.#topology = topology
    this.#config = resolveConfig(config)
    checkWrittenTopics(topology, this.#config)
    this.#ports = ports
  }

  get state(): AppState {
    return this.#state
  }

  /** The error that ended the application, in the states PENDING_ERROR and ERROR. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Called after each change of state, synchronously. Returns a function that removes the listener. */
  onStateChange(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Connects, creates internal topics, joins the group, restores. Resolves when the application is RUNNING for the first
   * time, or when it was closed before that; rejects with the error that kept it from it, everything closed. That no broker can be reached is
   * told by a warning at once, and is an error when it lasts for half a minute.
   */
  async start(): Promise<void> {
    this.#begin(false)
    await this.#firstRunning()
  }

  /**
   * Runs until the application ends: on `close()`, by an error (which rejects), or, with `until: 'end'`, when everything
   * that was in the input topics at the start, and everything that follows from it through repartition topics, is
   * processed and committed by the instances of this application together.
   */
  async run(options: { readonly until?: 'end' } = {}): Promise<void> {
    this.#begin(options.until === 'end')
    await this.#finished
  }

  /**
   * Commits, leaves the group, closes everything. May be called at any time and more than once. A last commit that takes longer than two
   * thirds of the time, and than 5,000, is given up with a warning.
   *
   * @throws StreamsError `APP_CLOSE_TIMED_OUT` when it takes longer than `timeoutMs`, by default 30,000. The process may then be killed:
   *   what was not committed is done again by others.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * The local part of a store, read-only: the keys of the partitions that this process was assigned. Reads see what is
   * processed, committed or not.
   *
   * @param store - the handle that the aggregation or table gave (then keys and values are typed), or its name.
   * @throws StreamsError `STORE_NOT_FOUND`; each read `STORE_NOT_READY` unless the application is RUNNING.
   * @see Kafka Streams `KafkaStreams#store`
   */
  store<K, V>(store: StoreHandle<K, V, 'key-value' | 'ordered-key-value'>): ReadOnlyKeyValueStore<K, V>
  store<K, V>(store: StoreHandle<K, V, 'timestamped-key-value'>): ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>
  store<K, V>(store: StoreHandle<K, V, 'timestamped-window'>): ReadOnlyWindowStore<K, ValueAndTimestamp<V>>
  store<K, V>(store: StoreHandle<K, V, 'window'>): ReadOnlyWindowStore<K, V>
  store<K, V>(store: StoreHandle<K, V, 'session'>): ReadOnlySessionStore<K, V>
  store<K, V>(store: StoreHandle<K, V, 'versioned-key-value'>): ReadOnlyVersionedKeyValueStore<K, V>
  store<S extends StateStore>(name: string): S
  store(store: string | StoreHandle<unknown, unknown>): StateStore {
    const app = this
    const local: LocalTasks = {
      get tasks() {
        return app.#loop?.tasks ?? new Map()
      },
      get restoringTasks() {
        return app.#loop?.restoringTasks ?? []
      },
      get globalStores() {
        return app.#globalTables?.stores ?? new Map()
      },
      get running() {
        return app.#state === 'RUNNING'
      }
    }
    return new LocalStores(this.#topology, local).open(typeof store === 'string' ? store : store.name)
  }

  /**
   * The application's connection to Kafka, for what reads or writes beside the topology. It can be used before the start, and is
   * closed with the application; fetchers made by it are closed too, producers must be closed before.
   */
  get kafka(): KafkaClient {
    return this.#ports.client
  }

  /**
   * Where the changes of a store are written, and how: a record for each change, with a null value for a deletion. It has the time of
   * the row, or, where the store keeps none, of the record that made the change.
   *
   * @param store - the handle that the aggregation or table gave, or its name.
   * @throws StreamsError `STORE_NOT_FOUND`, also for a store without a changelog
   */
  changelog<K, V>(store: StoreHandle<K, V, WindowedKind>): StoreChangelog<Windowed<K>, V>
  changelog<K, V>(store: StoreHandle<K, V, Exclude<StoreKind, WindowedKind>>): StoreChangelog<K, V>
  changelog(store: string | StoreHandle<unknown, unknown>): StoreChangelog<unknown, unknown>
  changelog(store: string | StoreHandle<unknown, unknown>): StoreChangelog<unknown, unknown> {
    return storeChangelog(this.#topology, this.#config.applicationId, typeof store === 'string' ? store : store.name)
  }

  async metrics(): Promise<AppMetrics> {
    const nodes: Record<string, { processed: number; dropped: Partial<Record<DropReason, number>> }> = {}
    const tasks: Record<string, TaskSnapshot> = {}
    let dropped = 0
    let late = 0
    for (const [taskId, task] of this.#loop?.tasks ?? []) {
      for (const [name, metrics] of task.nodeMetrics()) {
        nodes[name] ??= { processed: 0, dropped: {} }
        const node = nodes[name]
        node.processed += metrics.processed
        dropped += metrics.dropped
        late += metrics.late
        for (const [reason, count] of metrics.droppedByReason)
          node.dropped[reason] = (node.dropped[reason] ?? 0) + count
      }
      tasks[taskId] = {
        processedRecords: task.processedRecords,
        streamTimeMs: task.streamTimeMs,
        lagRecords: task.positions.reduce((sum, { offset, endOffset }) => sum + Math.max(0, endOffset - offset), 0),
        stateBytes: await bytesOf(task),
        uncommittedBytes: task.state.uncommittedBytes
      }
    }
    const all = Object.values(tasks)
    const commits = this.#loop?.commitMetrics ?? { count: 0, lastMs: 0, totalMs: 0, maxMs: 0 }
    return {
      processedRecords: all.reduce((sum, task) => sum + task.processedRecords, 0),
      droppedRecords: dropped,
      lateRecords: late,
      nodes,
      commits: {
        count: commits.count,
        lastMs: commits.lastMs,
        meanMs: commits.count === 0 ? 0 : commits.totalMs / commits.count,
        maxMs: commits.maxMs
      },
      lagRecords: all.reduce((sum, task) => sum + task.lagRecords, 0),
      restore: {
        tasks: this.#loop?.restoringTasks ?? [],
        restoredRecords: (this.#restorer?.restoredRecords ?? 0) + (this.#globalTables?.restoredRecords ?? 0),
        remainingRecords: this.#restorer?.remainingRecords ?? 0
      },
      tasks,
      stateBytes: all.reduce((sum, task) => sum + task.stateBytes, 0),
      bufferedInputBytes: this.#fetcher?.bufferedBytes ?? 0
    }
  }

  #begin(untilEnd: boolean): void {
    if (this.#state !== 'CREATED') {
      throw new StreamsError(
        'APP_STATE_INVALID',
        `The application is ${this.#state}; it can be started once. Make a new one.`,
        {
          details: { state: this.#state }
        }
      )
    }
    this.#setState('REBALANCING')
    this.#finished = this.#lifetime(untilEnd)
    // Whoever awaits `start`, `run` or `close` gets the error; it is not lost when nobody does: see `error`.
    this.#finished.catch(() => {})
  }

  async #lifetime(untilEnd: boolean): Promise<void> {
    const { client, stores, eventLoop, logger } = this.#ports
    // Between two attempts to connect nothing else would keep the process from ending, its promises unsettled.
    const letGo = eventLoop.holdOpen()
    let producer: RecordProducer | undefined
    try {
      const connected = firstConnection(client, this.#ports, () => this.#stopping)
      await Promise.race([connected, this.#closeRequested.promise])
      // Closed meanwhile: there is nothing to run, but what was made has to be closed.
      if (!this.#stopping) {
        await this.#runLoop(untilEnd, made => {
          producer = made
        })
      }
    } catch (error) {
      this.#error = error as Error
      logger.error(`application '${this.#config.applicationId}' failed: ${this.#error.message}`)
      this.#setState('PENDING_ERROR')
    }
    const closings = [
      () => this.#globalTables?.close(),
      () => producer?.close({ timeoutMs: 5_000 }),
      () => stores.close(),
      () => client.close()
    ]
    for (const close of closings) {
      try {
        await close()
      } catch (error) {
        logger.warn(`closing failed: ${String(error)}`)
      }
    }
    letGo()
    if (this.#error !== undefined) {
      this.#setState('ERROR')
      throw this.#error
    }
    if (this.#state !== 'PENDING_SHUTDOWN') this.#setState('PENDING_SHUTDOWN')
    this.#setState('NOT_RUNNING')
  }

  async #runLoop(untilEnd: boolean, onProducer: (producer: RecordProducer) => void): Promise<void> {
    const { client, stores, clock, eventLoop, logger, restoreListener } = this.#ports
    const config = this.#config
    const topology = this.#topology
    const { applicationId, replicationFactor, internalTopicConfigs, deadLetterTopic, onTopologyChange } = config
    const creation = { replicationFactor, internalTopicConfigs, clock, logger }
    const prepare = async (beforeCreating?: PrepareOptions['beforeCreating']) =>
      await prepareTopics(topology, applicationId, client.admin, { ...creation, deadLetterTopic, beforeCreating })
    const check = async () =>
      await checkTopology(topology, {
        applicationId,
        onTopologyChange,
        client,
        clock,
        logger,
        createTopic: async topic => {
          const configs = { ...topic.configs, ...internalTopicConfigs }
          await ensureTopics([{ ...topic, configs }], new Map(), client.admin, creation)
        },
        isStopping: () => this.#stopping
      })
    let plan = await prepare(check)
    const processName = await stores.claimProcessName()
    const producer = await client.createProducer({
      ...config.producer,
      onRejected: decidesOverRefused(topology, config, logger),
      ...(config.exactlyOnce
        ? {
            transactionalId: `${config.applicationId}-${processName}`,
            transactionTimeoutMs: config.transactionTimeoutMs
          }
        : {})
    })
    onProducer(producer)
    const fetching = fetcherOptions(config)
    const fetcher = client.createFetcher({ ...fetching, freesRead: true })
    this.#fetcher = fetcher
    const restorer = new Restorer({
      client,
      clock,
      eventLoop,
      logger,
      listener: restoreListener ?? {},
      fetching
    })
    this.#restorer = restorer
    const globalStores = () => this.#globalTables?.stores ?? new Map<string, StateStore>()
    const opener = new TaskOpener({
      config,
      topology,
      client,
      stores,
      restorer,
      clock,
      logger,
      processName,
      plan,
      globalStores
    })
    const endTracker = untilEnd ? new EndTracker(client.admin, config.applicationId, topology, plan) : undefined
    await endTracker?.start()
    const usesPatterns = topology.subTopologies.some(sub => sub.sourcePatterns.length > 0)
    const replan = async () => {
      const before = inputsText(plan)
      plan = await prepare()
      opener.plan = plan
      return inputsText(plan) !== before
    }
    const loop = new StreamLoop({
      replan,
      usesPatterns,
      config,
      clock,
      eventLoop,
      logger,
      admin: client.admin,
      fetcher,
      producer,
      opener,
      endTracker,
      repartitionTopics: new Set(plan.repartitionTopics.map(topic => topic.name)),
      onReadiness: ready => this.#onReadiness(ready)
    })
    this.#loop = loop
    if (this.#stopping) loop.stop()
    if (topology.globalSubTopologies.length > 0) {
      this.#globalTables = new GlobalTables({
        config,
        subTopologies: topology.globalSubTopologies,
        topics: plan.globalTopics,
        client,
        stores,
        producer,
        clock,
        eventLoop,
        logger,
        processName,
        onFailed: error => loop.onFatal(error)
      })
      // Whole before any task is assigned: nothing may be joined with half a table.
      if (!this.#stopping) await this.#globalTables.start()
    }

    // A folder named after a process too was a substitute for one that was locked; nobody looks for it again.
    const storedTasks = (await stores.list()).filter(taskId => !taskId.includes('~'))
    await loop.run(listener =>
      client.joinGroup({
        groupId: config.applicationId,
        groupInstanceId: config.groupInstanceId,
        sessionTimeoutMs: config.sessionTimeoutMs,
        rebalanceTimeoutMs: config.rebalanceTimeoutMs,
        ...(config.heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs: config.heartbeatIntervalMs }),
        topics: () => [...new Set([...plan.inputs.values()].flatMap(topics => [...topics.keys()]))].sort(),
        assignor: createTaskAssignor({
          inputs: async () => {
            await replan()
            return plan.inputs
          },
          processName,
          storedTasks: () => new Set([...storedTasks, ...loop.tasks.keys()]),
          onForeignTopics: topics =>
            logger.warn(
              `others in the group '${config.applicationId}' read ${topics.map(topic => `'${topic}'`).join(', ')}, which this ` +
                'topology does not, and while this instance leads the group nobody processes them: they run another version of the ' +
                'application, which should replace this one soon, or another application has the same applicationId'
            )
        }),
        listener
      })
    )
  }

  get #stopping(): boolean {
    return this.#closing !== undefined
  }

  #onReadiness(ready: boolean): void {
    if (ready && this.#state === 'REBALANCING') this.#setState('RUNNING')
    else if (!ready && this.#state === 'RUNNING') this.#setState('REBALANCING')
  }

  async #firstRunning(): Promise<void> {
    if (this.#state === 'RUNNING') return
    let stopListening: () => void = () => {}
    const running = new Promise<void>(resolve => {
      stopListening = this.onStateChange(now => {
        if (now === 'RUNNING') resolve()
      })
    })
    try {
      await Promise.race([running, this.#finished])
    } finally {
      stopListening()
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#state === 'CREATED') {
      this.#setState('PENDING_SHUTDOWN')
      this.#setState('NOT_RUNNING')
      await this.#ports.stores.close()
      await this.#ports.client.close()
      return
    }
    if (this.#state === 'RUNNING' || this.#state === 'REBALANCING') this.#setState('PENDING_SHUTDOWN')
    this.#closeRequested.resolve()
    this.#loop?.stop(Math.max(LEAST_COMMIT_MS, timeoutMs * COMMIT_SHARE))
    this.#globalTables?.stop()

    let cancel: () => void = () => {}
    const timedOut = new Promise<never>((_resolve, reject) => {
      cancel = this.#ports.clock.setTimer(timeoutMs, () =>
        reject(
          new StreamsError(
            'APP_CLOSE_TIMED_OUT',
            `The application did not close within ${timeoutMs} ms; it is ${this.#state}. Allow more time, or end the process: what is not committed will be processed again.`,
            { details: { timeoutMs, state: this.#state } }
          )
        )
      )
    })
    // An error that ended the application was given to `start` or `run`, and stays in `error`.
    await Promise.race([(this.#finished as Promise<void>).catch(() => {}), timedOut]).finally(cancel)
  }

  #setState(now: AppState): void {
    const before = this.#state
    if (now === before) return
    if (!TRANSITIONS[before].includes(now)) {
      throw new StreamsError(
        'APP_STATE_INVALID',
        `The application cannot go from ${before} to ${now}. This is a defect.`
      )
    }
    this.#state = now
    for (const listener of this.#listeners) {
      try {
        listener(now, before)
      } catch (error) {
        this.#ports.logger.warn(`a state listener threw: ${String(error)}`)
      }
    }
  }
}

/** A task may be closed while the metrics of another are being read. */
async function bytesOf(task: Task): Promise<number> {
  try {
    return await task.state.approximateBytes()
  } catch (error) {
    if (isStreamsError(error, 'STORE_CLOSED')) return 0
    throw error
  }
}

function inputsText(plan: TopicPlan): string {
  return JSON.stringify([...plan.inputs].map(([id, topics]) => [id, [...topics].sort()]))
}
