import { isStreamsError } from '../core/index.ts'
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
import type { RestoreListener } from './restore-listener.ts'
import { RestoreWrites } from './restore-writes.ts'
import { InputPartition } from './task/input-partition.ts'
import { SourceNode } from './task/source-node.ts'

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
  /** What the source would make of the records. */
  readonly input: InputPartition | undefined
  restored: number
  /** All of it is on disk. */
  done: boolean
}

/** Bytes put into a store's memory between two writes to disk. */
const WRITE_BYTES = 4 * 1024 * 1024
const SLICE_MS = 5
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
            const before = positionOf(item)
            const written = this.#step(item, fetcher)
            if (written !== undefined) writes.add(item.task, written)
            if (written !== undefined || positionOf(item) > before) progressed = true
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
          for (const { input } of active) void input?.held?.ready.then(() => fetcher.wake())
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
      const input = store.source === undefined ? undefined : inputOf(store.source, reader)
      const item = { task, store, reader, startOffset, endOffset, input, restored: 0, done: false }
      this.#listener.onRestoreStart?.(describe(item))
      active.push(item)
    }
    return active
  }

  /** Puts what is buffered, for one slice of time. Returns what has to be waited for before the task's next step. */
  #step(item: Restoring, fetcher: Fetcher): Promise<void> | undefined {
    const { reader, store, task } = item
    const deadlineMs = this.#clock.monotonicMs() + SLICE_MS
    let count = 0
    let bytes = 0
    try {
      while (bytes < WRITE_BYTES && positionOf(item) < item.endOffset && (item.input ?? reader).next()) {
        // Beyond the end lie changes of a task that had not stopped when we began; they are ours only if committed, and
        // then they were before the end.
        if (reader.offset >= item.endOffset) break
        if (reader.keyEnd < 0) continue
        const timestampMs = item.input === undefined ? reader.timestampMs : sourceTimestampMs(item.input)
        if (item.input?.held !== undefined) break
        if (timestampMs === undefined) continue
        const key = reader.buffer.subarray(reader.keyStart, reader.keyEnd)
        const value = reader.valueEnd < 0 ? null : reader.buffer.subarray(reader.valueStart, reader.valueEnd)
        task.state.restore(store.storeName, key, value, timestampMs)
        bytes += key.length + (value?.length ?? 0)
        count++
        if (count % 256 === 0 && this.#clock.monotonicMs() >= deadlineMs) break
      }
    } catch (error) {
      if (!isStreamsError(error, 'CLIENT_OFFSET_OUT_OF_RANGE')) throw error
      // The log start overtook us while we were reading.
      return task.state.clearStore(store.storeName).then(() => {
        fetcher.add(store, Number(error.details['logStartOffset'] ?? 0))
      })
    }
    const position = positionOf(item)
    const done = position >= item.endOffset
    return count > 0 || done ? this.#write(item, { count, position, done }) : undefined
  }

  async #write(
    item: Restoring,
    { count, position, done }: { readonly count: number; readonly position: number; readonly done: boolean }
  ): Promise<void> {
    const { task, store } = item
    await task.state.writeRestored(new Map([[store.storeName, Math.min(position, item.endOffset)]]))
    item.done = done
    if (count === 0) return
    item.restored += count
    this.restoredRecords += count
    this.#listener.onBatchRestored?.({ ...describe(item), batchRecords: count, position })
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

/** The error handler was asked when the record was processed; it said to go on, else there were no records after it. */
const ALREADY_HANDLED = { deserializationFailed: () => {} }

function inputOf(source: SourceNodeSpec, reader: PartitionReader): InputPartition {
  return new InputPartition(reader, new SourceNode(source, ALREADY_HANDLED), -1)
}

/** The time that the source gives to the record under the reader; undefined when it drops it. */
function sourceTimestampMs(input: InputPartition): number | undefined {
  const timestampMs = input.read()?.timestampMs
  if (timestampMs !== undefined && timestampMs > input.partitionTimeMs) input.partitionTimeMs = timestampMs
  return timestampMs
}

/** Where reading goes on: before a record that is held. */
function positionOf({ reader, input }: Restoring): number {
  return input?.nextOffset ?? reader.position
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
