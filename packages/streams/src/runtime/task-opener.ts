import { isStreamsError, type StateStore, StreamsError } from '../core/index.ts'
import type {
  Clock,
  CommittedOffset,
  KafkaAdmin,
  Logger,
  RawStore,
  RawStoreProvider,
  RecordProducer,
  TopicAppender,
  TopicPartition
} from '../ports/index.ts'
import { openTaskState, type TaskState, type TaskStateOptions } from '../state/index.ts'
import {
  changelogTopicName,
  resolveTopicName,
  type SourceNodeSpec,
  type SubTopology,
  type Topology
} from '../topology/index.ts'
import { prepareSerdes, prepareUnlessCancelled } from './prepare-serdes.ts'
import type { Restorer, StoreToRestore, TaskToRestore } from './restorer.ts'
import type { ResolvedConfig } from './streams-config.ts'
import { Task, type TaskInput } from './task/task.ts'
import { parseTaskId } from './task-id.ts'
import type { TaskOpening } from './task-openings.ts'
import type { TopicPlan } from './topic-plan.ts'

/** An input of a task that is being opened, and where reading begins. */
export interface TaskStart {
  readonly task: Task
  readonly inputs: readonly (TopicPartition &
    Omit<TaskInput, 'reader'> & { readonly offset: number; readonly leaderEpoch: number })[]
}

/** Where the state of a task lies: its own folder, or a substitute for one that is locked. */
interface StateFolder {
  readonly name: string
  readonly store: RawStore
}

/** What a task is made of once its state is restored. */
interface OpenParts {
  readonly opening: TaskOpening
  readonly subTopology: SubTopology
  readonly appenders: ReadonlyMap<string, TopicAppender>
  readonly inWork: { task?: Task }
}

/** What is needed of a `KafkaClient` to know where the inputs of a task begin. */
export interface OffsetClient {
  readonly admin: Pick<KafkaAdmin, 'fetchOffsets' | 'listOffsets'>
}

const LOCK_RETRIES = 8
const LOCK_BACKOFF_MS = 100
/** After so long it is looked whether anybody still wants the offsets. */
const STABLE_WAIT_MS = 1_000

/**
 * Takes over tasks, in the order that exactly-once demands: committed offsets once they are stable (KIP-447), state from disk,
 * the ends of the changelogs, restoring up to them; only then is the task made.
 */
export class TaskOpener {
  readonly #config: ResolvedConfig
  readonly #topology: Topology
  readonly #client: OffsetClient
  readonly #stores: RawStoreProvider
  readonly #restorer: Restorer
  readonly #clock: Clock
  readonly #logger: Logger
  /** Tells this process's folder from the one that a process which lost the task still holds. */
  readonly #processName: string
  readonly #globalStores: () => ReadonlyMap<string, StateStore>
  readonly #waitsForSerdes: boolean
  #plan: Pick<TopicPlan, 'inputs'>

  constructor(options: {
    config: ResolvedConfig
    topology: Topology
    client: OffsetClient
    stores: RawStoreProvider
    restorer: Restorer
    clock: Clock
    logger: Logger
    processName: string
    plan: Pick<TopicPlan, 'inputs'>
    globalStores: () => ReadonlyMap<string, StateStore>
    /** While whom they ask is away. Default true; else that is an error like any other. */
    waitsForSerdes?: boolean
  }) {
    this.#config = options.config
    this.#topology = options.topology
    this.#client = options.client
    this.#stores = options.stores
    this.#restorer = options.restorer
    this.#clock = options.clock
    this.#logger = options.logger
    this.#processName = options.processName
    this.#globalStores = options.globalStores
    this.#waitsForSerdes = options.waitsForSerdes ?? true
    this.#plan = options.plan
  }

  set plan(plan: Pick<TopicPlan, 'inputs'>) {
    this.#plan = plan
  }

  /** Inputs of a task: its partition of each topic of its sub-topology that has one. */
  inputsOf(taskId: string): TopicPartition[] {
    const { subTopologyId, partition } = parseTaskId(taskId)
    const topics = this.#plan.inputs.get(subTopologyId) ?? new Map<string, number>()
    return [...topics].filter(([, count]) => partition < count).map(([topic]) => ({ topic, partition }))
  }

  /** Whether the plan has all of these partitions. */
  knows(partitions: readonly TopicPartition[]): boolean {
    const inputs = [...this.#plan.inputs.values()]
    return partitions.every(({ topic, partition }) => inputs.some(topics => partition < (topics.get(topic) ?? 0)))
  }

  /** Tasks all of whose inputs are among `partitions`. */
  tasksOf(partitions: readonly TopicPartition[]): string[] {
    const held = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`))
    const tasks: string[] = []
    for (const [id, topics] of this.#plan.inputs) {
      const count = Math.max(0, ...topics.values())
      for (let partition = 0; partition < count; partition++) {
        const taskId = `${id}_${partition}`
        const inputs = this.inputsOf(taskId)
        if (inputs.length > 0 && inputs.every(input => held.has(`${input.topic}-${input.partition}`)))
          tasks.push(taskId)
      }
    }
    return tasks
  }

  /**
   * Opens several tasks side by side. `onReady` gets each as soon as it is restored; a cancelled one is closed as soon as that is
   * seen. Rejects with the first error, after closing what was not handed over.
   */
  async open(
    openings: readonly TaskOpening[],
    producer: RecordProducer,
    onReady: (opening: TaskOpening, start: TaskStart) => void
  ): Promise<void> {
    const committed = await this.#committedOffsets(openings)
    const starts = await this.#startOffsets(inputsOfWanted(openings), committed)
    // Whoever had the tasks has stopped writing: what its serdes left behind is all there.
    await this.#prepareSerdes(openings)

    const parts = new Map<TaskToRestore, OpenParts>()
    const close = async (toRestore: TaskToRestore) => {
      const part = parts.get(toRestore)
      parts.delete(toRestore)
      await toRestore.state.close()
      part?.opening.end()
    }
    try {
      for (const opening of openings) {
        if (opening.cancelled) {
          opening.end()
          continue
        }
        const { partition } = parseTaskId(opening.taskId)
        const subTopology = this.#subTopologyOf(opening.taskId)
        const appenders = await this.#appendersOf(subTopology, producer)
        // The task comes after its state, which asks it for the time of the record in work.
        const inWork: { task?: Task } = {}
        const state = await this.#openState(opening, partition, subTopology, appenders, inWork)
        if (state === undefined) {
          opening.end()
          continue
        }
        const toRestore: TaskToRestore = {
          taskId: opening.taskId,
          state,
          stores: this.#storesToRestore(subTopology, partition, starts),
          get cancelled() {
            return opening.cancelled
          }
        }
        parts.set(toRestore, { opening, subTopology, appenders, inWork })
      }
      await this.#restorer.restore([...parts.keys()], {
        onCancelled: close,
        onReady: toRestore => {
          const part = parts.get(toRestore) as OpenParts
          const start = this.#makeTask(toRestore, part, producer, committed, starts)
          parts.delete(toRestore)
          onReady(part.opening, start)
        }
      })
    } finally {
      for (const toRestore of [...parts.keys()]) await close(toRestore)
    }
  }

  #makeTask(
    { state }: TaskToRestore,
    { opening, subTopology, appenders, inWork }: OpenParts,
    producer: RecordProducer,
    committed: ReadonlyMap<string, CommittedOffset>,
    starts: ReadonlyMap<string, number>
  ): TaskStart {
    const inputs = opening.inputs.map(input => {
      const name = `${input.topic}-${input.partition}`
      const found = committed.get(name)
      const isCommitted = found !== undefined && found.offset >= 0
      const start = { offset: starts.get(name) as number, leaderEpoch: found?.leaderEpoch ?? -1 }
      return { ...input, ...start, metadata: found?.metadata ?? '', isCommitted }
    })
    const task = new Task({
      applicationId: this.#config.applicationId,
      taskId: opening.taskId,
      partition: parseTaskId(opening.taskId).partition,
      subTopology,
      state,
      globalStores: this.#globalStores(),
      producer,
      appenders,
      handlers: this.#config.handlers,
      clock: this.#clock,
      maxTaskIdleMs: this.#config.maxTaskIdleMs,
      committedMetadata: inputs.map(input => input.metadata)
    })
    inWork.task = task
    return { task, inputs }
  }

  /** Resolves when the serdes of all that is still wanted are prepared; what is cancelled meanwhile ends at once. */
  async #prepareSerdes(openings: readonly TaskOpening[]): Promise<void> {
    const prepare = async () => {
      for (const [sub, topics] of this.#inputsBySub(openings)) {
        await prepareSerdes(sub, this.#config.applicationId, topics)
      }
    }
    if (!this.#waitsForSerdes) return await prepare()
    await prepareUnlessCancelled(openings, prepare, { clock: this.#clock, logger: this.#logger })
  }

  #inputsBySub(openings: readonly TaskOpening[]): Map<SubTopology, string[]> {
    const inputs = new Map<SubTopology, string[]>()
    for (const { taskId, inputs: own } of openings) {
      const sub = this.#subTopologyOf(taskId)
      inputs.set(sub, [...new Set([...(inputs.get(sub) ?? []), ...own.map(({ topic }) => topic)])])
    }
    return inputs
  }

  #subTopologyOf(taskId: string): SubTopology {
    const { subTopologyId } = parseTaskId(taskId)
    return this.#topology.subTopologies.find(({ id }) => id === subTopologyId) as SubTopology
  }

  /** Waits until no open transaction holds offsets of these inputs, or nobody wants the tasks any more. */
  async #committedOffsets(openings: readonly TaskOpening[]): Promise<Map<string, CommittedOffset>> {
    const { applicationId } = this.#config
    for (let told = false; ; ) {
      for (const opening of openings) if (opening.cancelled) opening.end()
      const inputs = inputsOfWanted(openings)
      if (inputs.length === 0) return new Map()
      try {
        const found = await this.#client.admin.fetchOffsets(applicationId, inputs, {
          requireStable: true,
          timeoutMs: STABLE_WAIT_MS
        })
        return new Map(found.map(offset => [`${offset.topic}-${offset.partition}`, offset]))
      } catch (error) {
        if (!isStreamsError(error, 'GROUP_OFFSETS_UNSTABLE')) throw error
        if (!told) {
          this.#logger.warn(
            `the committed offsets of '${applicationId}' are part of an open transaction, probably of an instance that died; ` +
              'waiting until it ends, at most its transaction time-out'
          )
        }
        told = true
      }
    }
  }

  /** Committed offsets, or what the reset policies say where there is none. */
  async #startOffsets(
    inputs: readonly TopicPartition[],
    committed: ReadonlyMap<string, CommittedOffset>
  ): Promise<Map<string, number>> {
    const starts = new Map<string, number>()
    const asked: (TopicPartition & { at: 'earliest' | 'latest' })[] = []
    for (const input of inputs) {
      const name = `${input.topic}-${input.partition}`
      const offset = committed.get(name)?.offset ?? -1
      if (offset >= 0) {
        starts.set(name, offset)
        continue
      }
      asked.push({ ...input, at: this.resetPolicyOf(input) })
    }
    if (asked.length > 0) {
      for (const { topic, partition, offset } of await this.#client.admin.listOffsets(asked, 'read_committed')) {
        starts.set(`${topic}-${partition}`, offset)
      }
    }
    return starts
  }

  /** @throws StreamsError `CLIENT_OFFSET_OUT_OF_RANGE` where the policy is `none`. */
  resetPolicyOf({ topic, partition }: TopicPartition): 'earliest' | 'latest' {
    const { applicationId, autoOffsetReset } = this.#config
    let policy = autoOffsetReset
    for (const sub of this.#topology.subTopologies) {
      // A repartition topic holds what this application wrote: none of it may be passed over.
      if (sub.repartitionSources.some(spec => `${applicationId}-${spec.suffix}` === topic)) return 'earliest'
      for (const node of sub.nodes) {
        if (node.kind !== 'source' || node.offsetReset === undefined) continue
        const reads =
          node.topics instanceof RegExp
            ? node.topics.test(topic)
            : node.topics.some(name => resolveTopicName(name, applicationId) === topic)
        if (reads) policy = node.offsetReset
      }
    }
    if (policy !== 'none') return policy
    throw new StreamsError(
      'CLIENT_OFFSET_OUT_OF_RANGE',
      `${topic}-${partition} has no committed offset for '${applicationId}' that can be read, and autoOffsetReset is 'none'. Commit one, or choose 'earliest' or 'latest'.`,
      { details: { topic, partition } }
    )
  }

  async #appendersOf(sub: SubTopology, producer: RecordProducer): Promise<Map<string, TopicAppender>> {
    const { applicationId } = this.#config
    const names = new Set<string>()
    for (const node of sub.nodes) {
      if (node.kind === 'sink' && typeof node.topic === 'string') names.add(resolveTopicName(node.topic, applicationId))
    }
    for (const store of sub.stores) {
      if (store.changelog !== undefined && store.changelog.sourceTopic === undefined) {
        names.add(changelogTopicName(store.name, applicationId))
      }
    }
    const appenders = new Map<string, TopicAppender>()
    for (const name of names) appenders.set(name, await producer.topic(name))
    return appenders
  }

  #storesToRestore(sub: SubTopology, partition: number, starts: ReadonlyMap<string, number>): StoreToRestore[] {
    const stores: StoreToRestore[] = []
    for (const { name, changelog } of sub.stores) {
      if (changelog === undefined) continue
      if (changelog.sourceTopic === undefined) {
        const topic = changelogTopicName(name, this.#config.applicationId)
        stores.push({ storeName: name, topic, partition, endLimit: undefined })
      } else {
        const topic = resolveTopicName(changelog.sourceTopic, this.#config.applicationId)
        const endLimit = starts.get(`${topic}-${partition}`) ?? 0
        const source = sub.nodes.find(node => node.kind === 'source' && readsTopic(node, changelog.sourceTopic))
        stores.push({ storeName: name, topic, partition, endLimit, source: source as SourceNodeSpec | undefined })
      }
    }
    return stores
  }

  async #openState(
    opening: TaskOpening,
    partition: number,
    sub: SubTopology,
    appenders: ReadonlyMap<string, TopicAppender>,
    inWork: { readonly task?: Task }
  ): Promise<TaskState | undefined> {
    const { applicationId, cacheBytes, stateMemoryBytes } = this.#config
    const { taskId } = opening
    const taskCount = [...this.#plan.inputs.values()].reduce((sum, topics) => sum + Math.max(0, ...topics.values()), 0)
    const options = (raw: RawStore): TaskStateOptions => ({
      taskId,
      specs: sub.stores,
      raw,
      changelogTopic: storeName => changelogTopicName(storeName, applicationId),
      changelog: storeName => {
        const appender = appenders.get(changelogTopicName(storeName, applicationId))
        if (appender === undefined) return undefined
        return (key, value, timestampMs, headers) =>
          appender.append(partition, key, 0, key.length, value, 0, value?.length ?? -1, timestampMs, headers)
      },
      cacheBytes: Math.floor(cacheBytes / Math.max(1, taskCount)),
      // The other half is for what is not committed yet.
      cleanBytes: Math.floor(stateMemoryBytes / 2 / Math.max(1, taskCount)),
      recordTimestampMs: () => inWork.task?.recordTimestampMs ?? 0,
      flushing: {
        run: flush => (inWork.task === undefined ? flush() : inWork.task.whileFlushing(flush)),
        failed: (storeName, error) => {
          if (inWork.task === undefined) throw error
          inWork.task.flushFailed(storeName, error)
        }
      }
    })
    for (let rebuilt = false; ; ) {
      let folder: StateFolder | undefined
      try {
        folder = await this.#openFolder(opening)
        return folder === undefined ? undefined : await openTaskState(options(folder.store))
      } catch (error) {
        await folder?.store.close()
        if (rebuilt || !isStreamsError(error) || error.action !== 'rebuild-task') throw error
        rebuilt = true
        this.#logger.warn(`the state of task ${taskId} is rebuilt from its changelogs: ${error.message}`)
        await this.#stores.destroy(folder?.name ?? taskId)
      }
    }
  }

  /** Undefined when the opening was cancelled while the folder was locked. */
  async #openFolder(opening: TaskOpening): Promise<StateFolder | undefined> {
    const { taskId } = opening
    for (let attempt = 0; ; attempt++) {
      try {
        return { name: taskId, store: (await this.#stores.open(taskId)).store }
      } catch (error) {
        if (!isStreamsError(error, 'STATE_DIRECTORY_LOCKED')) throw error
        if (opening.cancelled) return undefined
        if (attempt < LOCK_RETRIES) {
          await new Promise<void>(resolve => void this.#clock.setTimer(LOCK_BACKOFF_MS * (attempt + 1), resolve))
          continue
        }
        // Whoever holds it has lost the task but cannot let go (it may be stopped): begin in a folder of our own.
        this.#logger.warn(`${error.message} Task ${taskId} is restored into a folder of its own.`)
        const name = `${taskId}~${this.#processName}`
        return { name, store: (await this.#stores.open(name)).store }
      }
    }
  }
}

/** @param topic - as the topology names it. */
function readsTopic({ topics }: SourceNodeSpec, topic: string | undefined): boolean {
  return !(topics instanceof RegExp) && topic !== undefined && topics.includes(topic)
}

function inputsOfWanted(openings: readonly TaskOpening[]): TopicPartition[] {
  return openings.filter(({ cancelled }) => !cancelled).flatMap(({ inputs }) => inputs)
}

/** Adds the inputs of a restored task to the fetcher and lets it begin. */
export function startTask(
  start: TaskStart,
  addReader: (input: TopicPartition, offset: number, leaderEpoch: number) => TaskInput['reader']
): Task {
  start.task.start(
    start.inputs.map(input => ({
      reader: addReader(input, input.offset, input.leaderEpoch),
      metadata: input.metadata,
      isCommitted: input.isCommitted
    }))
  )
  return start.task
}
