import { isStreamsError, StreamsError } from '../core/index.ts'
import type { Clock, GroupMember, GroupMetadata, Logger, OffsetCommit, RecordProducer } from '../ports/index.ts'
import type { Task } from './task/task.ts'

/** How long a commit that met a rebalance waits for the new generation. */
const GENERATION_WAIT_MS = 60_000
/** When the application is closing: others have heard of a rebalance by then, with one of their heartbeats. */
const CLOSING_WAIT_MS = 5_000
const GENERATION_LOOK_MS = 500

export interface CommitMetrics {
  count: number
  lastMs: number
  totalMs: number
  maxMs: number
}

/**
 * One commit of all tasks of the process:
 *
 * 1. each task empties its caches and closes its memtable generation;
 * 2. the producer sends everything, adds the offsets and ends the transaction (at-least-once: commits the offsets);
 * 3. each task writes its memtable and changelog offsets to disk.
 *
 * A crash before 2 is done leaves nothing; between 2 and 3 it costs a tail to restore.
 */
export class Committer {
  readonly #clock: Clock
  readonly #producer: RecordProducer
  readonly #group: Pick<GroupMember, 'metadata' | 'rebalancing' | 'rejoin'>
  readonly #logger: Logger
  #wake: (() => void) | undefined
  #stoppedMs = Number.POSITIVE_INFINITY
  readonly metrics: CommitMetrics = { count: 0, lastMs: 0, totalMs: 0, maxMs: 0 }

  constructor(options: {
    clock: Clock
    producer: RecordProducer
    group: Pick<GroupMember, 'metadata' | 'rebalancing' | 'rejoin'>
    logger: Logger
  }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#producer = options.producer
    this.#group = options.group
  }

  /**
   * Step 1, in which nothing may be processed.
   *
   * @returns the rest of the commit, to be begun at once; undefined when there is nothing to commit. Under exactly-once, records may be
   *   processed while it runs: they belong to the next transaction.
   */
  async prepare(tasks: Iterable<Task>): Promise<(() => Promise<void>) | undefined> {
    const dirty = [...tasks].filter(task => task.commitNeeded)
    if (dirty.length === 0) return undefined
    const startMs = this.#clock.monotonicMs()
    const offsets: OffsetCommit[] = []
    for (const task of dirty) offsets.push(...(await task.prepareCommit()))
    return () => this.#finish(dirty, offsets, startMs)
  }

  /** Steps 2 and 3. */
  async #finish(dirty: readonly Task[], offsets: readonly OffsetCommit[], startMs: number): Promise<void> {
    await this.#commitToKafka(offsets)
    await Promise.all(dirty.map(task => task.commitSucceeded()))
    const elapsedMs = this.#clock.monotonicMs() - startMs
    this.metrics.count++
    this.metrics.lastMs = elapsedMs
    this.metrics.totalMs += elapsedMs
    this.metrics.maxMs = Math.max(this.metrics.maxMs, elapsedMs)
  }

  /** To be called when the group tells of a new generation, or that membership was lost. */
  generationChanged(): void {
    this.#wake?.()
  }

  /** To be called when the application is closing: there is little time left to wait for the group. */
  stop(): void {
    this.#stoppedMs = Math.min(this.#stoppedMs, this.#clock.monotonicMs())
    this.#wake?.()
  }

  async #commitToKafka(offsets: readonly OffsetCommit[]): Promise<void> {
    for (let group = this.#requireGroup(undefined); ; ) {
      try {
        await this.#producer.commit(offsets, group)
        return
      } catch (error) {
        if (!isStreamsError(error, 'TASK_MIGRATED')) throw error
        // The broker may have moved to the next generation while this one was being committed under: the members
        // have joined, but we have not heard of it yet. Until we give them up our partitions are nobody else's.
        group = await this.#nextGeneration(group, error)
      }
    }
  }

  #requireGroup(cause: unknown): GroupMetadata {
    const group = this.#group.metadata
    if (group !== undefined) return group
    throw new StreamsError('TASK_MIGRATED', 'The group took the tasks of this process away; they go on elsewhere.', {
      cause
    })
  }

  async #nextGeneration(refused: GroupMetadata, cause: StreamsError): Promise<GroupMetadata> {
    const startMs = this.#clock.monotonicMs()
    for (let asked = false; ; ) {
      const now = this.#requireGroup(cause)
      if (now.memberId !== refused.memberId) throw cause
      if (now.generationId !== refused.generationId) return now
      const deadlineMs = Math.min(startMs + GENERATION_WAIT_MS, Math.max(startMs, this.#stoppedMs) + CLOSING_WAIT_MS)
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (leftMs <= 0) throw cause
      if (!asked && !this.#group.rebalancing) {
        asked = true
        // As far as the member knows nothing has happened, and without asking it might not hear of anything, either.
        this.#logger.warn(`joining the group anew, which refused a commit: ${cause.message}`)
        this.#group.rejoin()
      }
      // Mostly one is told. Not when an earlier call of the listener still waits for the loop, and so for this commit.
      await new Promise<void>(resolve => {
        const cancel = this.#clock.setTimer(Math.min(GENERATION_LOOK_MS, leftMs), resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
      this.#wake = undefined
    }
  }
}
