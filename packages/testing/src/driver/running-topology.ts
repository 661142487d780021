import type { StateStore } from '@millrace/streams/core'
import { type RawStoreProvider, SILENT_LOGGER } from '@millrace/streams/ports'
import {
  Committer,
  type ResolvedConfig,
  Restorer,
  startTask,
  systemEventLoop,
  type Task,
  TaskOpener,
  TaskOpening
} from '@millrace/streams/runtime'
import {
  changelogTopicName,
  mergedSubTopology,
  resolveTopicName,
  type SubTopology,
  type Topology
} from '@millrace/streams/topology'
import { GlobalTask } from './global-task.ts'
import type { MemoryCluster } from './memory-cluster.ts'
import { MemoryProducer } from './memory-producer.ts'
import type { MockClock } from './mock-clock.ts'
import { LogReader } from './topic-log.ts'

/** What is there before a topology starts and after it ended. */
export interface Surroundings {
  readonly config: ResolvedConfig
  readonly cluster: MemoryCluster
  readonly stores: RawStoreProvider
  readonly clock: MockClock
}

const TASK_ID = '0_0'
const GROUP = { groupId: '', generationId: 0, memberId: '', groupInstanceId: undefined }

/** A topology from its start to its end: one task that runs all sub-topologies, opened and committed by the production code. */
export class RunningTopology {
  readonly task: Task
  readonly #surroundings: Surroundings
  readonly #sub: SubTopology
  readonly #committer: Committer
  readonly #global: GlobalTask | undefined
  readonly #inputs: Set<string>
  #isClosed = false

  private constructor(
    surroundings: Surroundings,
    sub: SubTopology,
    inputs: Set<string>,
    parts: { task: Task; committer: Committer; global: GlobalTask | undefined }
  ) {
    this.#surroundings = surroundings
    this.#sub = sub
    this.#inputs = inputs
    this.task = parts.task
    this.#committer = parts.committer
    this.#global = parts.global
  }

  /** Restores the state from the disk and the changelogs, and goes on where the committed offsets say. */
  static async start(topology: Topology, surroundings: Surroundings): Promise<RunningTopology> {
    const { config, cluster, clock, stores } = surroundings
    const { applicationId, handlers } = config
    const sub = mergedSubTopology(0, topology.subTopologies)
    const inputs = inputTopics(sub, applicationId, cluster)
    const producer = new MemoryProducer(cluster)
    const global = await GlobalTask.open(topology, { applicationId, cluster, producer, clock, handlers })
    const eventLoop = systemEventLoop
    const logger = SILENT_LOGGER
    const restorer = new Restorer({
      client: cluster,
      clock,
      eventLoop,
      logger,
      listener: {},
      fetching: { isolation: 'read_committed', maxBufferedBytes: config.inputBufferBytes }
    })
    const opener = new TaskOpener({
      config,
      topology: { ...topology, subTopologies: [sub] },
      client: cluster,
      stores,
      restorer,
      clock,
      logger,
      processName: await stores.claimProcessName(),
      plan: { inputs: new Map([[sub.id, new Map([...inputs].map(topic => [topic, 1]))]]) },
      waitsForSerdes: false,
      globalStores: () => global?.stores ?? new Map<string, StateStore>()
    })
    let task: Task | undefined
    try {
      await opener.open([new TaskOpening(TASK_ID, opener.inputsOf(TASK_ID))], producer, (_opening, start) => {
        task = startTask(start, ({ topic }, offset) => new LogReader(cluster.log(topic), offset))
      })
    } catch (error) {
      await global?.close()
      throw error
    }
    if (task === undefined) throw new Error('The task was neither opened nor refused.')
    // Nobody refuses its commits.
    const group = { metadata: GROUP, rebalancing: false, rejoin: () => {} }
    const committer = new Committer({ clock, producer, group, logger })
    return new RunningTopology(surroundings, sub, inputs, { task, committer, global })
  }

  /** Names as in the cluster, global tables included. */
  get inputs(): string[] {
    return [...this.#inputs, ...(this.#global?.topics ?? [])]
  }

  /** Makes sure that a topic is read; false when the topology does not read it. */
  reads(topic: string): boolean {
    if (this.#inputs.has(topic) || this.#global?.topics.has(topic)) return true
    const { cluster, config } = this.#surroundings
    if (!this.#sub.sourcePatterns.some(pattern => pattern.test(topic))) return false
    if (ownTopics(this.#sub, config.applicationId).has(topic)) return false
    this.#inputs.add(topic)
    this.task.start([{ reader: new LogReader(cluster.log(topic)), metadata: '' }])
    return true
  }

  store(name: string): StateStore | undefined {
    return this.task.state.stores.get(name) ?? this.#global?.stores.get(name)
  }

  get storeNames(): string[] {
    return [...this.task.state.stores.keys(), ...(this.#global?.stores.keys() ?? [])]
  }

  /** What has to be waited for before processing can go on; undefined when there is nothing. */
  get pending(): Promise<void> | undefined {
    return this.task.pending ?? this.#global?.held ?? this.task.held?.ready
  }

  /** Processes everything that is in the topics. */
  drain(): void {
    const deadlineMs = Number.POSITIVE_INFINITY
    // With global tables, what a record writes to their topics is there for the next one.
    const maxRecords = this.#global === undefined ? Number.MAX_SAFE_INTEGER : 1
    do this.#global?.process()
    while (this.task.process(deadlineMs, maxRecords) > 0)
  }

  /** Commits until there is nothing left to commit, then deletes what has expired. */
  async commit(): Promise<void> {
    for (;;) {
      const finish = await this.#committer.prepare([this.task])
      if (finish === undefined) break
      await finish()
      // Emptying the caches may have written to repartition topics, which are to be processed as well.
      this.drain()
    }
    while (await this.task.state.expireStep());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await this.task.close()
    } finally {
      await this.#global?.close()
    }
  }
}

function inputTopics(sub: SubTopology, applicationId: string, cluster: MemoryCluster): Set<string> {
  const topics = new Set(sub.sourceTopics.map(name => resolveTopicName(name, applicationId)))
  const own = ownTopics(sub, applicationId)
  for (const { topic } of cluster.logs) {
    if (!own.has(topic) && sub.sourcePatterns.some(pattern => pattern.test(topic))) topics.add(topic)
  }
  return topics
}

/** Patterns are about the topics of users. */
function ownTopics({ stores, repartitionSources }: SubTopology, applicationId: string): Set<string> {
  return new Set([
    ...stores.map(({ name }) => changelogTopicName(name, applicationId)),
    ...repartitionSources.map(({ suffix }) => `${applicationId}-${suffix}`)
  ])
}
