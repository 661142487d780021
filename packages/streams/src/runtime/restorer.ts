import { isStreamsError, StreamsError } from '../core/index.ts'
import type {
  Clock,
  EventLoop,
  Fetcher,
  FetcherOptions,
  KafkaAdmin,
  KafkaClient,
  Logger,
  PartitionReader
} from '../ports/index.ts'
import type { TaskState } from '../state/task-state.ts'
import type { SourceNodeSpec } from '../topology/index.ts'
import { ChangelogSlices } from './changelog-slices.ts'
import type { RestoreListener } from './restore-listener.ts'
import { RestoreWrites } from './restore-writes.ts'

/** One store of one task, and where its changes are. */
export interface StoreToRestore {
  readonly storeName: string
  readonly topic: string
  readonly partition: number
  /** Restoring ends here at the latest: the committed input offset, when an input topic is the changelog. */
  readonly endLimit: number | undefined
  /** The source that reads the topic, when an input topic is the changelog: what it drops is in no table. Default: a changelog. */
  readonly source?: SourceNodeSpec | undefined
}

export interface TaskToRestore {
  readonly taskId: string
  readonly state: TaskState
  readonly stores: readonly StoreToRestore[]
  /** Set by the owner when the task was taken away meanwhile. */
  cancelled: boolean
}

export interface RestoreOutcome {
  onReady(task: TaskToRestore): void
  onCancelled(task: TaskToRestore): Promise<void>
}

/** What is needed of a `KafkaClient` to read changelogs. */
export interface ChangelogClient extends Pick<KafkaClient, 'createFetcher'> {
  readonly admin: Pick<KafkaAdmin, 'listOffsets'>
}

interface Restoring {
  readonly task: TaskToRestore
  readonly store: StoreToRestore
  readonly reader: PartitionReader
  readonly startOffset: number
  readonly endOffset: number
  readonly slices: ChangelogSlices
  restored: number
  /** All of it is on disk. */
  done: boolean
}

/** Tasks that write at a time: one more would wait for a thread of Node's pool, and hold memory meanwhile. */
const MAX_WRITES = 4
/** How long nothing may arrive before the wait is explained in the log. */
const EXPLAIN_AFTER_MS = 5_000

/**
 * Brings the stores of newly assigned tasks up to the ends of their changelogs: from the offset that is on disk, or from the
 * beginning. It reads committed records only, until the *position* reaches the high watermark of the moment it began: the
 * last offsets may be transaction markers, which are never delivered.
 */
export class Restorer {
  readonly #client: ChangelogClient
  readonly #clock: Clock
  readonly #eventLoop: EventLoop
  readonly #logger: Logger
  readonly #listener: RestoreListener
  readonly #fetching: FetcherOptions
  /** Sum over all tasks; for metrics. */
  restoredRecords = 0
  remainingRecords = 0

  constructor(options: {
    client: ChangelogClient
    clock: Clock
    eventLoop: EventLoop
    logger: Logger
    listener: RestoreListener
    fetching: FetcherOptions
  }) {
    this.#client = options.client
    this.#clock = options.clock
    this.#eventLoop = options.eventLoop
    this.#logger = options.logger
    this.#listener = options.listener
    this.#fetching = options.fetching
  }

  /** Resolves when all tasks are restored or cancelled; each is told of as soon as it is the one or the other. */
  async restore(tasks: readonly TaskToRestore[], { onReady, onCancelled }: RestoreOutcome): Promise<void> {
    const fetcher = this.#client.createFetcher(this.#fetching)
    const writes = new RestoreWrites()
    try {
      let active = await this.#begin(tasks, fetcher)
      const pending = new Map<TaskToRestore, number>()
      for (const { task } of active) pending.set(task, (pending.get(task) ?? 0) + 1)
      for (const task of tasks) {
        if (pending.has(task)) continue
        if (task.cancelled) await onCancelled(task)
        else onReady(task)
      }

      let lastProgressMs = this.#clock.monotonicMs()
      while (active.length > 0) {
        let progressed = false
        const still: Restoring[] = []
        for (const item of active) {
          // While a task writes, it takes nothing; the others go on meanwhile.
          if (writes.of(item.task)) {
            still.push(item)
            continue
          }
          if (item.task.cancelled) {
            fetcher.remove(item.store)
            // Told once, before its other stores are looked at.
            if (pending.delete(item.task)) await onCancelled(item.task)
            continue
          }
          if (!item.done) {
            still.push(item)
            if (writes.count >= MAX_WRITES) continue
            const before = item.slices.position
            const written = this.#step(item, fetcher)
            if (written !== undefined) writes.add(item.task, written)
            if (written !== undefined || item.slices.position > before) progressed = true
            continue
          }
          progressed = true
          fetcher.remove(item.store)
          this.#listener.onRestoreEnd?.({ ...describe(item), totalRestored: item.restored })
          const left = (pending.get(item.task) as number) - 1
          pending.set(item.task, left)
          if (left === 0) onReady(item.task)
        }
        active = still
        this.remainingRecords = active.reduce((sum, item) => sum + item.endOffset - item.reader.position, 0)
        if (progressed) {
          lastProgressMs = this.#clock.monotonicMs()
          await this.#eventLoop.nextTurn()
        } else if (writes.count > 0) {
          await writes.next()
        } else if (active.length > 0) {
          for (const { slices } of active) void slices.whenReady?.then(() => fetcher.wake())
          if (this.#clock.monotonicMs() - lastProgressMs > EXPLAIN_AFTER_MS) {
            this.#explain(active)
            lastProgressMs = this.#clock.monotonicMs()
          }
          await fetcher.wait(500)
          await this.#eventLoop.nextTurn()
        }
        writes.throwFailure()
      }
    } finally {
      this.remainingRecords = 0
      // Whoever is told of a failure closes the states.
      await writes.settled()
      await fetcher.close()
    }
  }

  async #begin(tasks: readonly TaskToRestore[], fetcher: Fetcher): Promise<Restoring[]> {
    const stores = tasks.flatMap(task => task.stores.map(store => ({ task, store })))
    if (stores.length === 0) return []
    const at = async (which: 'earliest' | 'latest') => {
      // The high watermark, not the last stable offset: an open transaction may be one of ours, about to be committed.
      const found = await this.#client.admin.listOffsets(
        stores.map(({ store }) => ({ topic: store.topic, partition: store.partition, at: which })),
        'read_uncommitted'
      )
      return new Map(found.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
    }
    const [earliest, latest] = await Promise.all([at('earliest'), at('latest')])

    const active: Restoring[] = []
    for (const { task, store } of stores) {
      const name = `${store.topic}-${store.partition}`
      const logStart = earliest.get(name) ?? 0
      const end = latest.get(name) ?? 0
      const endOffset = store.endLimit === undefined ? end : Math.min(end, Math.max(store.endLimit, logStart))
      const checkpoint = task.state.checkpoints.get(store.storeName)
      let startOffset = checkpoint ?? logStart
      if (checkpoint !== undefined && (checkpoint > end || checkpoint < logStart)) {
        this.#logger.warn(
          `store '${store.storeName}' of task ${task.taskId} stands at offset ${checkpoint} of ${name}, which now spans ${logStart} to ${end}: it is rebuilt`
        )
        await task.state.clearStore(store.storeName)
        startOffset = logStart
      }
      if (startOffset >= endOffset) continue
      const reader = fetcher.add(store, startOffset)
      const slices = new ChangelogSlices(reader, endOffset, store.source, this.#clock)
      const item = { task, store, reader, startOffset, endOffset, slices, restored: 0, done: false }
      this.#listener.onRestoreStart?.(describe(item))
      active.push(item)
    }
    return active
  }

  /** Writes a slice of what is buffered. Returns what has to be waited for before the task's next step. */
  #step(item: Restoring, fetcher: Fetcher): Promise<void> | undefined {
    try {
      if (!item.slices.begin() && !item.slices.isDone) return undefined
    } catch (error) {
      return this.#startOver(item, fetcher, error)
    }
    return this.#write(item).catch(error => this.#startOver(item, fetcher, error))
  }

  async #write(item: Restoring): Promise<void> {
    const { task, store, slices } = item
    await task.state.restore(store.storeName, slices)
    const { count, position } = slices
    item.done = slices.isDone
    if (count === 0) return
    item.restored += count
    this.restoredRecords += count
    this.#listener.onBatchRestored?.({ ...describe(item), batchRecords: count, position })
  }

  /** From the log's start, if that overtook us while we were reading. */
  async #startOver({ task, store, endOffset }: Restoring, fetcher: Fetcher, error: unknown): Promise<void> {
    if (!isStreamsError(error)) throw error
    const isTruncated = error.code === 'CLIENT_LOG_TRUNCATED'
    if (!isTruncated && error.code !== 'CLIENT_OFFSET_OUT_OF_RANGE') throw error
    await task.state.clearStore(store.storeName)
    // The end that was to be reached may not exist any more: the task is opened anew, and asks for it anew.
    if (isTruncated || Number(error.details['highWatermark'] ?? endOffset) < endOffset) {
      throw new StreamsError(
        'TASK_CHANGELOG_OFFSET_OUT_OF_RANGE',
        `${store.topic}-${store.partition} has lost records while store '${store.storeName}' of task ${task.taskId} was restored from it, which ` +
          'begins anew with what is left',
        { cause: error, details: { topic: store.topic, partition: store.partition, taskId: task.taskId } }
      )
    }
    fetcher.add(store, Number(error.details['logStartOffset'] ?? 0))
  }

  #explain(active: readonly Restoring[]): void {
    for (const { task, store, reader, endOffset } of active) {
      const hanging = reader.lastStableOffset >= 0 && reader.lastStableOffset < endOffset
      this.#logger.warn(
        `restoring '${store.storeName}' of task ${task.taskId} waits at ${store.topic}-${store.partition}@${reader.position}, end ${endOffset}` +
          (hanging
            ? `: a transaction is open from offset ${reader.lastStableOffset}; it ends by itself when its time-out passes`
            : '')
      )
    }
  }
}

function describe({ task, store, startOffset, endOffset }: Restoring) {
  return {
    taskId: task.taskId,
    store: store.storeName,
    topic: store.topic,
    partition: store.partition,
    startOffset,
    endOffset
  }
}
