import { bytes, isStreamsError, type KeyValueStore, type StateStore, StreamsError, string } from '../core/index.ts'
import type {
  Clock,
  EventLoop,
  Fetcher,
  KafkaClient,
  Logger,
  PartitionReader,
  TopicDescription,
  RawStore,
  RawStoreProvider,
  RecordProducer,
  TopicPartition
} from '../ports/index.ts'
import { openTaskState, type TaskState } from '../state/index.ts'
import { changelogTopicName, mergedSubTopology, type StoreSpec, type SubTopology } from '../topology/index.ts'
import type { ErrorHandler, ErrorHandlers } from './error-handlers.ts'
import { fetcherOptions } from './fetcher-options.ts'
import type { ResolvedConfig } from './streams-config.ts'
import { preparePatiently, prepareSerdes } from './prepare-serdes.ts'
import { readOnlyStore } from './task/read-only-store.ts'
import { Task } from './task/task.ts'

export interface GlobalTablesOptions {
  readonly config: ResolvedConfig
  readonly subTopologies: readonly SubTopology[]
  /** Partition counts of their topics. */
  readonly topics: ReadonlyMap<string, number>
  readonly client: KafkaClient
  readonly stores: RawStoreProvider
  readonly producer: RecordProducer
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly logger: Logger
  readonly processName: string
  /** Called once when the tables cannot be kept up to date any more. */
  readonly onFailed: (error: Error) => void
}

type Topics = ReadonlyMap<string, TopicDescription>

interface Input extends TopicPartition {
  readonly reader: PartitionReader
  /** Where the partition ended when reading began. */
  readonly endOffset: number
}

const TASK_ID = 'global'
const SLICE_MS = 5
const WAIT_MS = 500
/** Before the name of a topic: the key under which its id is noted among the offsets. No topic's name begins so. */
const ID_PREFIX = '\u0001'
/** No store of a topology can have this name. Its rows are written in one batch with those of the tables. */
const OFFSETS: StoreSpec = {
  name: '\u0001offsets',
  kind: 'key-value',
  key: string(),
  value: bytes(),
  persistent: true,
  caching: false,
  changelog: undefined,
  windowSizeMs: undefined,
  retentionMs: undefined
}

/**
 * The global tables of one instance: one task over all partitions of their topics, with a loop of its own. It belongs to no
 * group and commits nothing to Kafka; how far it has read is on its disk, together with what it read.
 *
 * Its loop takes turns with that of the other tasks, which read the tables in between.
 */
export class GlobalTables {
  readonly #o: GlobalTablesOptions
  readonly #sub: SubTopology
  readonly #fetcher: Fetcher
  #state!: TaskState
  #task!: Task
  #offsets!: KeyValueStore<string, Uint8Array>
  #inputs: Input[] = []
  #readOnly: ReadonlyMap<string, StateStore> = new Map()
  /** Grows with the topics. */
  readonly #partitionCounts: Map<string, number>
  readonly #topicIds = new Map<string, string>()
  #nextCommitMs = 0
  #nextLookMs = 0
  #isLooking = false
  /** What was seen, until the loop has drawn its conclusions. */
  #seen: Topics | undefined
  #stopRequested = false
  #running: Promise<void> | undefined

  constructor(options: GlobalTablesOptions) {
    this.#o = options
    this.#partitionCounts = new Map(options.topics)
    this.#sub = mergedSubTopology(0, options.subTopologies)
    const { client, config } = options
    this.#fetcher = client.createFetcher(fetcherOptions(config))
  }

  /** Read-only. Empty before `start`. */
  get stores(): ReadonlyMap<string, StateStore> {
    return this.#readOnly
  }

  /** Records read before everything else began. */
  restoredRecords = 0

  /** Opens what is on disk, reads the topics up to their ends of now, and goes on in the background. */
  async start(): Promise<void> {
    const { begins, topicIds } = await this.#open()
    for (const { name, topicId } of (await this.#describe()).values()) {
      if (topicId !== undefined) this.#topicIds.set(name, topicId)
    }
    const at = async (which: 'earliest' | 'latest') => await this.#offsetsAt(which)
    const [earliest, latest] = await Promise.all([at('earliest'), at('latest')])
    const isInLog = [...begins].every(([name, offset]) => {
      const [from, to] = [earliest.get(name), latest.get(name)]
      return from !== undefined && to !== undefined && from <= offset && offset <= to
    })
    // A topic that was made anew may have grown beyond where the old one was read.
    const isSame = [...topicIds].every(([topic, id]) => (this.#topicIds.get(topic) ?? id) === id)
    if (!isInLog || !isSame) {
      this.#o.logger.warn('the topics of the global tables are not those that were read before: the tables are rebuilt')
      begins.clear()
      await this.#task.close()
      await this.#o.stores.destroy(this.#folder)
      await this.#open()
    }
    this.#inputs = this.#partitions().map(partition => {
      const name = nameOf(partition)
      const reader = this.#fetcher.add(partition, begins.get(name) ?? earliest.get(name) ?? 0)
      return { ...partition, reader, endOffset: latest.get(name) ?? 0 }
    })
    this.#task.start(this.#inputs.map(({ reader }) => ({ reader, metadata: '' })))
    const nowMs = this.#o.clock.monotonicMs()
    this.#nextCommitMs = nowMs + this.#o.config.commitIntervalMs
    this.#nextLookMs = nowMs + this.#o.config.metadataMaxAgeMs
    await this.#readUntil(
      () => this.#task.held === undefined && this.#inputs.every(({ reader, endOffset }) => reader.position >= endOffset)
    )
    this.restoredRecords = this.#task.processedRecords
    if (this.#stopRequested) return
    await this.#commit()
    this.#readOnly = new Map(this.#sub.stores.map(({ name }) => [name, readOnlyStore(this.#storeOf(name))]))
    this.#running = this.#readUntil(() => false).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error)
      this.#o.onFailed(
        new StreamsError('GLOBAL_TABLE_FAILED', `The global tables cannot be kept up to date: ${message}.`, {
          cause: error
        })
      )
    })
  }

  /** Ends reading; `close` does the rest. */
  stop(): void {
    this.#stopRequested = true
    this.#fetcher.wake()
  }

  async close(): Promise<void> {
    this.stop()
    await this.#running
    await this.#fetcher.close()
    // Not made when opening failed.
    const task: Task | undefined = this.#task
    if (task === undefined) return
    try {
      if (this.#readOnly.size > 0) await this.#commit()
    } finally {
      await task.close()
    }
  }

  async #readUntil(isDone: () => boolean): Promise<void> {
    const { clock, eventLoop, config } = this.#o
    while (!this.#stopRequested && !isDone()) {
      const processed = await this.#processSlice()
      // The tables and the other tasks share the figure; a quarter of it is where those commit early, too.
      const isFull = this.#state.uncommittedBytes > config.stateMemoryBytes / 4
      if (isFull || clock.monotonicMs() >= this.#nextCommitMs) await this.#commit()
      if (this.#seen !== undefined) await this.#follow(this.#seen)
      else if (!this.#isLooking && clock.monotonicMs() >= this.#nextLookMs) this.#look()
      if (processed > 0) await eventLoop.nextTurn()
      else if (!this.#stopRequested && !isDone()) {
        void this.#task.held?.ready.then(() => this.#fetcher.wake())
        await this.#fetcher.wait(WAIT_MS)
      }
    }
  }

  async #processSlice(): Promise<number> {
    try {
      return this.#task.process(this.#o.clock.monotonicMs() + SLICE_MS)
    } catch (error) {
      if (!isStreamsError(error, 'CLIENT_OFFSET_OUT_OF_RANGE') && !isStreamsError(error, 'CLIENT_LOG_TRUNCATED'))
        throw error
      await this.#readAnew(String(error.details['topic']), error.message)
      return 0
    }
  }

  /** Looks at the topics beside the loop, which goes on reading. */
  #look(): void {
    this.#isLooking = true
    this.#describe()
      .then(
        topics => {
          this.#seen = topics
          this.#fetcher.wake()
        },
        // Reading goes on. Whatever is wrong shows there too, if it lasts.
        (error: unknown) =>
          this.#o.logger.debug(`the topics of the global tables could not be looked at: ${String(error)}`)
      )
      .finally(() => {
        this.#isLooking = false
        this.#nextLookMs = this.#o.clock.monotonicMs() + this.#o.config.metadataMaxAgeMs
      })
  }

  /** Reads topics anew that were made anew, and partitions that were added. */
  async #follow(topics: Topics): Promise<void> {
    this.#seen = undefined
    for (const { name, partitionCount, topicId } of topics.values()) {
      const known = this.#partitionCounts.get(name) ?? 0
      if (partitionCount > known) {
        this.#partitionCounts.set(name, partitionCount)
        const added = this.#partitions().filter(({ topic, partition }) => topic === name && partition >= known)
        const inputs = added.map(partition => ({
          ...partition,
          reader: this.#fetcher.add(partition, 0),
          endOffset: 0
        }))
        this.#inputs.push(...inputs)
        this.#task.start(inputs.map(({ reader }) => ({ reader, metadata: '' })))
      }
      if (topicId === undefined) continue
      const before = this.#topicIds.get(name)
      this.#topicIds.set(name, topicId)
      if (before === undefined || before === topicId) continue
      if (partitionCount < known) {
        this.#partitionCounts.set(name, partitionCount)
        const isGone = ({ topic, partition }: TopicPartition) => topic === name && partition >= partitionCount
        for (const input of this.#inputs.filter(isGone)) this.#fetcher.remove(input)
        this.#inputs = this.#inputs.filter(input => !isGone(input))
      }
      await this.#readAnew(name, `Topic '${name}' was deleted and made anew.`)
    }
  }

  /** Some records were never read, or are of another topic: rows whose deletion is among them would stay for ever. */
  async #readAnew(topic: string, why: string): Promise<void> {
    const names = this.#sub.nodes.flatMap(node => {
      const isIt = node.kind === 'source' && !(node.topics instanceof RegExp) && node.topics.includes(topic)
      return isIt ? node.children : []
    })
    const stores = this.#sub.nodes.flatMap(node =>
      node.kind === 'processor' && names.includes(node.name) ? node.stores : []
    )
    this.#o.logger.warn(`${why} ${stores.map(name => `'${name}'`).join(', ')} is read anew from the topic.`)
    this.#state.discard()
    for (const store of stores) await this.#state.clearStore(store)
    const [earliest, latest] = await Promise.all([this.#offsetsAt('earliest'), this.#offsetsAt('latest')])
    this.#inputs = this.#inputs.map(input => {
      if (input.topic !== topic) return input
      this.#fetcher.add(input, earliest.get(nameOf(input)) ?? 0)
      // The end that the start waits for may not be there any more.
      return { ...input, endOffset: Math.min(input.endOffset, latest.get(nameOf(input)) ?? 0) }
    })
  }

  async #commit(): Promise<void> {
    this.#nextCommitMs = this.#o.clock.monotonicMs() + this.#o.config.commitIntervalMs
    if (!this.#task.commitNeeded) return
    for (const { topic, partition, offset } of this.#task.positions) {
      this.#offsets.put(nameOf({ topic, partition }), Buffer.from(String(offset)))
    }
    for (const [topic, id] of this.#topicIds) this.#offsets.put(ID_PREFIX + topic, Buffer.from(id))
    await this.#task.prepareCommit()
    await this.#task.commitSucceeded()
  }

  // ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens the state and makes the task. Gives the offsets up to which the state holds each partition, and of which topics. */
  async #open(): Promise<{ begins: Map<string, number>; topicIds: Map<string, string> }> {
    const { config, producer, clock, logger } = this.#o
    await preparePatiently(() => prepareSerdes(this.#sub, config.applicationId, []), {
      clock,
      logger,
      who: 'the state of the global tables',
      isCancelled: () => this.#stopRequested
    })
    this.#state = await this.#openState()
    this.#offsets = this.#storeOf(OFFSETS.name) as KeyValueStore<string, Uint8Array>
    this.#task = new Task({
      applicationId: config.applicationId,
      taskId: TASK_ID,
      partition: 0,
      subTopology: this.#sub,
      state: this.#state,
      producer,
      appenders: new Map(),
      handlers: withoutDeadLetters(config.handlers, logger),
      clock,
      // Nothing depends on the order of records of different partitions.
      maxTaskIdleMs: -1,
      committedMetadata: []
    })
    const begins = new Map<string, number>()
    const topicIds = new Map<string, string>()
    for await (const { key, value } of this.#offsets.all()) {
      const text = Buffer.from(value).toString()
      if (key.startsWith(ID_PREFIX)) topicIds.set(key.slice(ID_PREFIX.length), text)
      else begins.set(key, Number(text))
    }
    // Stores in memory begin empty, whatever is on disk.
    if (this.#sub.stores.some(store => !store.persistent)) begins.clear()
    return { begins, topicIds }
  }

  async #openState(): Promise<TaskState> {
    const { config, stores, logger } = this.#o
    for (let attempt = 0; ; attempt++) {
      let raw: RawStore | undefined
      try {
        raw = (await stores.open(this.#folder)).store
        return await openTaskState({
          taskId: TASK_ID,
          specs: [...this.#sub.stores, OFFSETS],
          raw,
          changelog: () => undefined,
          changelogTopic: store => changelogTopicName(store, config.applicationId),
          cacheBytes: 0,
          recordTimestampMs: () => this.#task.recordTimestampMs
        })
      } catch (error) {
        await raw?.close()
        const isStale = isStreamsError(error, 'STATE_CORRUPT') || isStreamsError(error, 'STATE_FORMAT_UNKNOWN')
        if (!isStale || attempt > 0) throw error
        logger.warn(`the global tables are rebuilt from their topics: ${error.message}`)
        await stores.destroy(this.#folder)
      }
    }
  }

  /** Processes that share a directory each hold their own copy. */
  get #folder(): string {
    return `${TASK_ID}~${this.#o.processName}`
  }

  #storeOf(name: string): StateStore {
    return this.#state.stores.get(name) as StateStore
  }

  #partitions(): TopicPartition[] {
    return [...this.#partitionCounts].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    )
  }

  async #describe(): Promise<Topics> {
    return await this.#o.client.admin.describeTopics([...this.#partitionCounts.keys()])
  }

  async #offsetsAt(at: 'earliest' | 'latest'): Promise<Map<string, number>> {
    const asked = this.#partitions().map(partition => ({ ...partition, at }))
    // The last stable offset: an open transaction of somebody else's must not keep the application from starting.
    const found = await this.#o.client.admin.listOffsets(asked, 'read_committed')
    return new Map(found.map(({ offset, ...partition }) => [nameOf(partition), offset]))
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** Every instance reads every record, so each would write a dead letter of its own. */
function withoutDeadLetters(handlers: ErrorHandlers, logger: Logger): ErrorHandlers {
  const adapted =
    (handler: ErrorHandler): ErrorHandler =>
    failed => {
      const response = typeof handler === 'function' ? handler(failed) : handler
      if (response !== 'dead-letter') return response
      logger.warn(`left out of a global table, which has no dead letters: ${failed.error.message}`)
      return 'continue'
    }
  return {
    ...handlers,
    onDeserializationError: adapted(handlers.onDeserializationError),
    onProcessingError: adapted(handlers.onProcessingError)
  }
}
