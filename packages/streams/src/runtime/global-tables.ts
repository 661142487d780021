import { bytes, isStreamsError, type KeyValueStore, type StateStore, StreamsError, string } from '../core/index.ts'
import type {
  Clock,
  EventLoop,
  Fetcher,
  KafkaClient,
  Logger,
  PartitionReader,
  RawStore,
  RawStoreProvider,
  RecordProducer,
  TopicPartition
} from '../ports/index.ts'
import { openTaskState, type TaskState } from '../state/index.ts'
import { changelogTopicName, mergedSubTopology, type StoreSpec, type SubTopology } from '../topology/index.ts'
import type { ErrorHandler, ErrorHandlers } from './error-handlers.ts'
import type { ResolvedConfig } from './streams-config.ts'
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

interface Input extends TopicPartition {
  readonly reader: PartitionReader
  /** Where the partition ended when reading began. */
  readonly endOffset: number
}

const TASK_ID = 'global'
const SLICE_MS = 5
const WAIT_MS = 500
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
  #nextCommitMs = 0
  #stopRequested = false
  #running: Promise<void> | undefined

  constructor(options: GlobalTablesOptions) {
    this.#o = options
    this.#sub = mergedSubTopology(0, options.subTopologies)
    const { client, config } = options
    this.#fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: config.inputBufferBytes })
  }

  /** Read-only. Empty before `start`. */
  get stores(): ReadonlyMap<string, StateStore> {
    return this.#readOnly
  }

  /** Records read before everything else began. */
  restoredRecords = 0

  /** Opens what is on disk, reads the topics up to their ends of now, and goes on in the background. */
  async start(): Promise<void> {
    const begins = await this.#open()
    const at = async (which: 'earliest' | 'latest') => await this.#offsetsAt(which)
    const [earliest, latest] = await Promise.all([at('earliest'), at('latest')])
    const isUsable = [...begins].every(([name, offset]) => {
      const [from, to] = [earliest.get(name), latest.get(name)]
      return from !== undefined && to !== undefined && from <= offset && offset <= to
    })
    if (!isUsable) {
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
    this.#nextCommitMs = this.#o.clock.monotonicMs() + this.#o.config.commitIntervalMs
    await this.#readUntil(() => this.#inputs.every(({ reader, endOffset }) => reader.position >= endOffset))
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
      if (processed > 0) await eventLoop.nextTurn()
      else if (!this.#stopRequested && !isDone()) await this.#fetcher.wait(WAIT_MS)
    }
  }

  async #processSlice(): Promise<number> {
    try {
      return this.#task.process(this.#o.clock.monotonicMs() + SLICE_MS)
    } catch (error) {
      if (!isStreamsError(error, 'CLIENT_OFFSET_OUT_OF_RANGE')) throw error
      await this.#readAnew(error)
      return 0
    }
  }

  /** Records were deleted before they were read: rows whose deletion is among them would stay for ever. */
  async #readAnew(error: StreamsError): Promise<void> {
    const topic = String(error.details['topic'])
    const names = this.#sub.nodes.flatMap(node => {
      const isIt = node.kind === 'source' && !(node.topics instanceof RegExp) && node.topics.includes(topic)
      return isIt ? node.children : []
    })
    const stores = this.#sub.nodes.flatMap(node =>
      node.kind === 'processor' && names.includes(node.name) ? node.stores : []
    )
    this.#o.logger.warn(`${error.message} ${stores.map(name => `'${name}'`).join(', ')} is read anew from the topic.`)
    this.#state.discard()
    for (const store of stores) await this.#state.clearStore(store)
    const earliest = await this.#offsetsAt('earliest')
    for (const input of this.#inputs) {
      if (input.topic === topic) this.#fetcher.add(input, earliest.get(nameOf(input)) ?? 0)
    }
  }

  async #commit(): Promise<void> {
    this.#nextCommitMs = this.#o.clock.monotonicMs() + this.#o.config.commitIntervalMs
    if (!this.#task.commitNeeded) return
    for (const { topic, partition, offset } of this.#task.positions) {
      this.#offsets.put(nameOf({ topic, partition }), Buffer.from(String(offset)))
    }
    await this.#task.prepareCommit()
    await this.#task.commitSucceeded()
  }

  // ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens the state and makes the task. Gives the offsets up to which the state holds each partition. */
  async #open(): Promise<Map<string, number>> {
    this.#state = await this.#openState()
    this.#offsets = this.#storeOf(OFFSETS.name) as KeyValueStore<string, Uint8Array>
    const { config, producer, clock, logger } = this.#o
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
    for await (const { key, value } of this.#offsets.all()) begins.set(key, Number(Buffer.from(value).toString()))
    // Stores in memory begin empty, whatever is on disk.
    if (this.#sub.stores.some(store => !store.persistent)) begins.clear()
    return begins
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
    return [...this.#o.topics].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    )
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
