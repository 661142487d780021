import { type Action, isStreamsError, StreamsError, whenSerdeReady } from '../core/index.ts'
import type {
  Clock,
  EventLoop,
  Fetcher,
  GroupListener,
  GroupMember,
  KafkaAdmin,
  Logger,
  RecordProducer,
  TopicPartition
} from '../ports/index.ts'
import { Committer } from './committer.ts'
import type { EndTracker } from './end-tracker.ts'
import { Mailbox } from './mailbox.ts'
import type { ResolvedConfig } from './streams-config.ts'
import type { HeldRecord } from './task/held-record.ts'
import type { Task } from './task/task.ts'
import { startTask, type TaskOpener } from './task-opener.ts'
import { TaskOpenings } from './task-openings.ts'

/** The loop yields to the event loop at least this often, so that heartbeats, fetches and timers go on. */
const SLICE_MS = 5
/** How long the loop sleeps at most when nothing arrives. */
const IDLE_WAIT_MS = 100
/** While an input with records waits for another one: see `maxTaskIdleMs`. */
const IDLING_WAIT_MS = 10
const END_CHECK_MS = 100
/** Of each turn, as long as there is anything to delete; a step for each task at least. */
const EXPIRY_SLICE_MS = 1
const RECOVERY_BACKOFF_MS = 100
const MAX_RECOVERY_BACKOFF_MS = 5_000
/** A coordinator that has to be looked for among brokers that do not answer takes longer. */
const LEAVE_MS = 5_000

/** What an error of a reader tells. */
interface ReadingDetails {
  readonly topic?: string
  readonly partition?: number
  readonly divergentOffset?: number
}

const MENDED_BY_OTHERS: ReadonlySet<Action> = new Set(['retry', 'abort-transaction', 'rejoin'])

export interface StreamLoopOptions {
  readonly config: ResolvedConfig
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly logger: Logger
  readonly admin: KafkaAdmin
  readonly fetcher: Fetcher
  readonly producer: RecordProducer
  readonly opener: TaskOpener
  readonly endTracker: EndTracker | undefined
  /** Topics whose committed records may be deleted. */
  readonly repartitionTopics: ReadonlySet<string>
  /** Looks at the topics anew; true when the inputs changed. */
  readonly replan: () => Promise<boolean>
  /** Sources are patterns: new topics have to be looked for. */
  readonly usesPatterns: boolean
  /** `true` when every assigned task processes, `false` while some are being restored. */
  readonly onReadiness: (ready: boolean) => void
}

/**
 * What a Kafka Streams thread is: the one owner of this process's tasks. It processes, commits, and between two slices does
 * what the group and restoring have to say. Only the loop touches tasks; everything else posts to its mailbox.
 */
export class StreamLoop implements GroupListener {
  readonly #o: StreamLoopOptions
  readonly #tasks = new Map<string, Task>()
  readonly #openings: TaskOpenings
  readonly #mailbox: Mailbox
  #assigned: readonly TopicPartition[] = []
  #committer: Committer | undefined
  #group: GroupMember | undefined
  #stopRequested = false
  /** Ends what the loop waits for that is not worth it when it stops. */
  #wake: () => void = () => {}
  #gaveUp = false
  #cancelGivingUp: () => void = () => {}
  #fatal: Error | undefined
  #nextTask = 0
  #nextCommitMs = 0
  #nextPurgeMs = 0
  #nextReplanMs = 0
  #nextEndCheckMs = 0
  #recoveries = 0
  readonly #knownHeld = new WeakSet<HeldRecord>()
  #everAssigned = false
  #expiryIsDue = false

  constructor(options: StreamLoopOptions) {
    this.#o = options
    const wake = () => options.fetcher.wake()
    this.#mailbox = new Mailbox(wake)
    this.#openings = new TaskOpenings({ ...options, onNews: wake })
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.#tasks
  }

  get restoringTasks(): readonly string[] {
    return this.#openings.taskIds
  }

  get commitMetrics() {
    return this.#committer?.metrics ?? { count: 0, lastMs: 0, totalMs: 0, maxMs: 0 }
  }

  /**
   * Ends the loop after a last commit.
   *
   * @param giveUpMs - that commit, and whatever else waits for the producer, is given up after so long. Default: never.
   */
  stop(giveUpMs?: number): void {
    if (giveUpMs !== undefined && !this.#stopRequested) {
      this.#cancelGivingUp = this.#o.clock.setTimer(giveUpMs, () => this.#giveUp())
    }
    this.#stopRequested = true
    this.#wake()
    this.#committer?.stop()
    this.#o.fetcher.wake()
  }

  /** What waits for the producer is let go of by its end; the coordinator ends the transaction, by its time-out at the latest. */
  #giveUp(): void {
    this.#gaveUp = true
    this.#o.producer
      .close({ timeoutMs: 0 })
      .catch((error: unknown) => this.#o.logger.debug(`closing the producer: ${String(error)}`))
  }

  /** Runs until `stop`, until the end is reached, or until an error that no recovery is for; that one is thrown. */
  async run(join: (listener: GroupListener) => GroupMember): Promise<void> {
    const { clock, producer, config, fetcher } = this.#o
    this.#group = join(this)
    this.#committer = new Committer({ clock, producer, group: this.#group, logger: this.#o.logger })
    this.#nextCommitMs = clock.monotonicMs() + config.commitIntervalMs
    this.#nextPurgeMs = clock.monotonicMs() + config.repartitionPurgeIntervalMs
    this.#nextReplanMs = clock.monotonicMs() + config.metadataMaxAgeMs
    let failure: Error | undefined
    try {
      while (!this.#stopRequested) {
        try {
          if (await this.#turn()) break
        } catch (error) {
          await this.#recover(error)
        }
      }
      await this.#commit()
    } catch (error) {
      // What could not be committed on leaving is done again by whoever gets the tasks.
      if (this.#gaveUp && isStreamsError(error, 'CLIENT_CLOSED')) {
        this.#o.logger.warn('the last commit did not end in the time there was; its records will be processed again')
      } else if (this.#stopRequested && isStreamsError(error) && MENDED_BY_OTHERS.has(error.action)) {
        this.#o.logger.warn(`the last commit failed; its records will be processed again: ${error.message}`)
      } else failure = error as Error
      await producer.abort().catch((abortError: unknown) => this.#o.logger.debug(`abort: ${String(abortError)}`))
    }
    this.#mailbox.close(new StreamsError('CLIENT_CLOSED', 'The application is closing.'))
    const openingsEnded = this.#openings.cancel(() => true)
    await this.#leave(this.#group)
    await this.#closeTasks([...this.#tasks.keys()])
    await openingsEnded
    this.#cancelGivingUp()
    await fetcher.close()
    if (failure !== undefined) throw failure
  }

  /** Without an answer the session ends by its time-out. */
  async #leave(group: GroupMember): Promise<void> {
    let cancel: () => void = () => {}
    const enough = new Promise<void>(resolve => {
      cancel = this.#o.clock.setTimer(LEAVE_MS, resolve)
    })
    const left = group
      .leave()
      .catch((error: unknown) => this.#o.logger.warn(`leaving the group failed: ${String(error)}`))
    await Promise.race([left, enough])
    cancel()
  }

  /** One round: mail, a slice of processing, what is due. True when the end was reached. */
  async #turn(): Promise<boolean> {
    const { clock, producer, fetcher, eventLoop } = this.#o
    if (this.#fatal !== undefined) throw this.#fatal
    await this.#mailbox.work()
    if (this.#stopRequested) return false
    await this.#takeOver()

    const processed = this.#processSlice()
    if (this.#commitIsDue()) await this.#commit({ goOn: true })
    if (await this.#reachedEnd()) return true
    await this.#lookForTopics()
    await this.#expire()
    if (producer.full) await producer.whenWritable()
    else if (processed > 0 || this.#expiryIsDue) await eventLoop.nextTurn()
    else if (this.#mailbox.isEmpty && !this.#stopRequested) {
      const untilCommitMs = Math.max(1, this.#nextCommitMs - clock.monotonicMs())
      this.#wakeForHeld()
      const waitMs = this.#anyInputWaits() ? IDLING_WAIT_MS : IDLE_WAIT_MS
      await fetcher.wait(Math.min(waitMs, untilCommitMs, this.#untilPunctuationMs()))
    }
    return false
  }

  #processSlice(): number {
    const tasks = [...this.#tasks.values()]
    if (tasks.length === 0) return 0
    const deadlineMs = this.#o.clock.monotonicMs() + SLICE_MS
    let processed = 0
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[(this.#nextTask + i) % tasks.length] as Task
      processed += task.process(deadlineMs)
      if (this.#o.clock.monotonicMs() >= deadlineMs) {
        // Whoever comes next begins the next slice: a busy task starves nobody.
        this.#nextTask = (this.#nextTask + i + 1) % tasks.length
        break
      }
    }
    return processed
  }

  #untilPunctuationMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const task of this.#tasks.values()) {
      nextMs = Math.min(nextMs, task.nextWallClockMs)
      // It settles without telling anybody; the loop is to go on with its task then.
      void task.pending?.then(() => this.#o.fetcher.wake())
    }
    return Math.max(1, nextMs - this.#o.clock.nowMs())
  }

  /** Goes on as soon as a record can be read whose serde waited. */
  #wakeForHeld(): void {
    const { fetcher, logger } = this.#o
    for (const [taskId, { held }] of this.#tasks) {
      if (held === undefined || this.#knownHeld.has(held)) continue
      this.#knownHeld.add(held)
      const text = `task ${taskId} waits: ${held.error.message}`
      if (held.tries > 1) logger.warn(text)
      else logger.debug(text)
      void held.ready.then(() => fetcher.wake())
    }
  }

  #anyInputWaits(): boolean {
    for (const task of this.#tasks.values()) if (task.waitsForInput) return true
    return false
  }

  #commitIsDue(): boolean {
    return this.#o.clock.monotonicMs() >= this.#nextCommitMs || this.#memoryIsShort()
  }

  #memoryIsShort(): boolean {
    let uncommitted = 0
    for (const task of this.#tasks.values()) uncommitted += task.state.uncommittedBytes
    // Two generations may be held at once, and reads want room too.
    return uncommitted > this.#o.config.stateMemoryBytes / 4
  }

  /**
   * @param goOn - processes during the commit. Not where tasks are given up after it: what they wrote meanwhile would be committed with the
   *   next transaction, their positions would not.
   */
  async #commit({ goOn }: { goOn: boolean } = { goOn: false }): Promise<void> {
    const { clock, config } = this.#o
    const finish = await (this.#committer as Committer).prepare(this.#tasks.values())
    this.#nextCommitMs = clock.monotonicMs() + config.commitIntervalMs
    if (finish === undefined) return
    if (goOn) await this.#processDuring(finish())
    else await finish()
    this.#recoveries = 0
    this.#purge()
    this.#expiryIsDue = true
  }

  /** Deletes expired rows, a few in each turn, until there are none. */
  async #expire(): Promise<void> {
    if (!this.#expiryIsDue) return
    const { clock } = this.#o
    const deadlineMs = clock.monotonicMs() + EXPIRY_SLICE_MS
    this.#expiryIsDue = false
    for (const task of this.#tasks.values()) {
      let more = await task.state.expireStep()
      while (more && clock.monotonicMs() < deadlineMs) more = await task.state.expireStep()
      if (more) this.#expiryIsDue = true
    }
  }

  /**
   * Goes on processing while a transaction is being committed: what is appended meanwhile is held back for the next one. At-least-once
   * has no such border: an acknowledged changelog record could be newer than the state that is written, so it waits.
   */
  async #processDuring(commit: Promise<void>): Promise<void> {
    const { config, producer, eventLoop } = this.#o
    let settled = false
    const settle = () => {
      settled = true
    }
    commit.then(settle, settle)
    try {
      while (config.exactlyOnce && !settled && !this.#stopRequested && !producer.full && !this.#memoryIsShort()) {
        if (this.#processSlice() === 0) break
        await eventLoop.nextTurn()
      }
    } catch (error) {
      // The transaction before the failure stands for itself. If it fails too, that is what there is to recover from.
      await commit
      throw error
    }
    await commit
  }

  async #lookForTopics(): Promise<void> {
    const { clock, config, replan, usesPatterns } = this.#o
    if (!usesPatterns || clock.monotonicMs() < this.#nextReplanMs) return
    this.#nextReplanMs = clock.monotonicMs() + config.metadataMaxAgeMs
    if (await replan()) this.#group?.rejoin()
  }

  /** Deletes what all of the application has committed past. Best effort: the next purge makes up for a failed one. */
  #purge(): void {
    const { clock, config, admin, logger, repartitionTopics } = this.#o
    if (repartitionTopics.size === 0 || clock.monotonicMs() < this.#nextPurgeMs) return
    this.#nextPurgeMs = clock.monotonicMs() + config.repartitionPurgeIntervalMs
    const offsets: { topic: string; partition: number; offset: number }[] = []
    for (const task of this.#tasks.values()) {
      for (const [topic, offset] of task.committedOffsets()) {
        if (repartitionTopics.has(topic) && offset > 0) offsets.push({ topic, partition: task.partition, offset })
      }
    }
    if (offsets.length === 0) return
    admin
      .deleteRecords(offsets)
      .catch((error: unknown) => logger.warn(`purging repartition topics failed: ${String(error)}`))
  }

  async #reachedEnd(): Promise<boolean> {
    const { endTracker, clock } = this.#o
    if (endTracker === undefined || !this.#everAssigned || this.#openings.size > 0) return false
    if (clock.monotonicMs() < this.#nextEndCheckMs) return false
    for (const task of this.#tasks.values()) {
      for (const { topic, partition, offset } of task.positions) {
        if (offset < (endTracker.target(topic, partition) ?? 0)) return false
      }
    }
    await this.#commit()
    this.#nextEndCheckMs = clock.monotonicMs() + END_CHECK_MS
    return await endTracker.check()
  }

  // ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Mends what can be mended, however often it takes; throws the rest. */
  async #recover(error: unknown): Promise<void> {
    for (let cause = error; ; ) {
      try {
        await this.#mend(cause)
        return
      } catch (next) {
        // The brokers may be away for longer than any single request waits.
        if (this.#stopRequested || !isStreamsError(next) || next.action !== 'retry') throw next
        cause = next
      }
    }
  }

  /** Goes back to the last commit, or throws on what cannot be mended here. */
  async #mend(error: unknown): Promise<void> {
    const { producer, logger, clock } = this.#o
    if (!isStreamsError(error)) throw error
    switch (error.action) {
      case 'stop':
      case 'skip-record':
        if (error.code === 'CLIENT_OFFSET_OUT_OF_RANGE' && (await this.#resetInput(error))) return
        if (error.code === 'CLIENT_LOG_TRUNCATED' && (await this.#passTruncation(error))) return
        throw error
      case 'retry':
      case 'abort-transaction':
      case 'rejoin':
      case 'rebuild-task':
        break
    }
    logger.warn(`going back to the last commit: ${error.message}`)
    const delayMs = Math.min(MAX_RECOVERY_BACKOFF_MS, RECOVERY_BACKOFF_MS * 2 ** this.#recoveries++)
    await this.#closeTasks([...this.#tasks.keys()])
    await this.#unlessStopped(new Promise<void>(resolve => void clock.setTimer(delayMs, resolve)))
    await this.#unlessStopped(whenSerdeReady(error))
    // Before anything is waited for that others may hold: they may wait for our offsets to become stable.
    if (error.code === 'TRANSACTION_ABORTED' || error.code === 'TASK_MIGRATED') await this.#endTransaction()
    else await producer.reset()
    await this.#openings.cancel(() => true)
    if (!this.#stopRequested) this.#openMissing()
  }

  /** Waits no longer than there is anything to go on with. */
  async #unlessStopped(waiting: Promise<void> | undefined): Promise<void> {
    if (this.#stopRequested) return
    const stopped = new Promise<void>(resolve => {
      this.#wake = resolve
    })
    await Promise.race([waiting, stopped])
  }

  /** Drops what is open. A process that slept past its transaction time-out finds that the broker did so already. */
  async #endTransaction(): Promise<void> {
    try {
      await this.#o.producer.abort()
    } catch (error) {
      this.#o.logger.info(`the transaction could not be aborted and is reset: ${String(error)}`)
      await this.#o.producer.reset()
    }
  }

  /** What the lost records brought about stays, here and wherever it was written: only what came in their place is left to read. */
  async #passTruncation(error: StreamsError): Promise<boolean> {
    const { topic, partition, divergentOffset } = error.details as ReadingDetails
    if (topic === undefined || partition === undefined || divergentOffset === undefined) return false
    if (!this.#reads(topic, partition)) return false
    this.#o.logger.error(`${error.message} Going on there; what the lost records have brought about here stays.`)
    this.#o.fetcher.add({ topic, partition }, divergentOffset)
    const { admin, endTracker } = this.#o
    if (endTracker !== undefined) {
      const [end] = await admin.listOffsets([{ topic, partition, at: 'latest' }], 'read_uncommitted')
      if (end !== undefined) endTracker.lower(topic, partition, end.offset)
    }
    return true
  }

  #reads(topic: string, partition: number): boolean {
    for (const task of this.#tasks.values()) {
      if (task.positions.some(position => position.topic === topic && position.partition === partition)) return true
    }
    return false
  }

  async #resetInput(error: StreamsError): Promise<boolean> {
    const { topic, partition } = error.details as ReadingDetails
    if (topic === undefined || partition === undefined || !this.#reads(topic, partition)) return false
    const policy = this.#o.opener.resetPolicyOf({ topic, partition })
    const [found] = await this.#o.admin.listOffsets([{ topic, partition, at: policy }], 'read_committed')
    if (found === undefined) return false
    this.#o.logger.warn(`${error.message} Going on at the ${policy} offset, ${found.offset}.`)
    this.#o.fetcher.add({ topic, partition }, found.offset)
    return true
  }

  // ── group ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onAssigned(_added: readonly TopicPartition[], all: readonly TopicPartition[]): Promise<void> {
    return this.#mail(async () => {
      this.#everAssigned = true
      this.#assigned = all
      // The leader may know of topics and partitions that are newer than our plan.
      if (this.#o.usesPatterns || !this.#o.opener.knows(all)) await this.#o.replan()
      await this.#closeGrown()
      this.#openMissing()
    })
  }

  onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#mail(async () => {
      const gone = new Set(partitions.map(nameOf))
      this.#assigned = this.#assigned.filter(partition => !gone.has(nameOf(partition)))
      const affected = [...this.#tasks].filter(([, task]) => task.positions.some(input => gone.has(nameOf(input))))
      await this.#mending(async () => {
        if (affected.some(([, task]) => task.commitNeeded)) await this.#commit()
      })
      await this.#closeTasks(affected.map(([taskId]) => taskId))
      await this.#openings.cancel(({ inputs }) => inputs.some(input => gone.has(nameOf(input))))
      this.#reportReadiness()
    })
  }

  onLost(): Promise<void> {
    return this.#mail(async () => {
      this.#assigned = []
      await this.#closeTasks([...this.#tasks.keys()])
      await this.#openings.cancel(() => true)
      await this.#endTransaction()
      this.#reportReadiness()
    })
  }

  onFatal(error: Error): void {
    this.#fatal = error
    this.#committer?.generationChanged()
    this.#o.fetcher.wake()
  }

  /** The group is told that its mail is done, mended where that was needed; only what ends the application ends its membership. */
  #mail(work: () => Promise<void>): Promise<void> {
    this.#committer?.generationChanged()
    return this.#mailbox.post(() => this.#mending(work))
  }

  async #mending(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#recover(error)
    }
  }

  // ── tasks ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A task that gained an input, because a new topic matches a pattern, is opened anew with it. */
  async #closeGrown(): Promise<void> {
    const grown = [...this.#tasks].filter(([taskId, task]) => this.#hasGrown(taskId, task.positions.length))
    if (grown.length === 0) return
    await this.#commit()
    await this.#closeTasks(grown.map(([taskId]) => taskId))
  }

  #hasGrown(taskId: string, inputCount: number): boolean {
    return this.#o.opener.inputsOf(taskId).length !== inputCount
  }

  /** Begins to open every assigned task that is neither running nor on its way. */
  #openMissing(): void {
    const wanted = this.#o.opener.tasksOf(this.#assigned)
    this.#openings.open(wanted.filter(taskId => !this.#tasks.has(taskId) && !this.#openings.has(taskId)))
    this.#reportReadiness()
  }

  /** Restored tasks join the others; from now on they are processed. */
  async #takeOver(): Promise<void> {
    if (this.#openings.size === 0) return
    const ready = this.#openings.take()
    if (ready.length === 0) return
    for (const { taskId, inputs, ready: start } of ready) {
      if (start === undefined) continue
      if (this.#hasGrown(taskId, inputs.length)) await start.task.close()
      else
        this.#tasks.set(
          taskId,
          startTask(start, (input, offset, epoch) => this.#o.fetcher.add(input, offset, epoch))
        )
    }
    this.#openMissing()
  }

  async #closeTasks(taskIds: readonly string[]): Promise<void> {
    for (const taskId of taskIds) {
      const task = this.#tasks.get(taskId)
      if (task === undefined) continue
      this.#tasks.delete(taskId)
      for (const { topic, partition } of task.positions) this.#o.fetcher.remove({ topic, partition })
      await task
        .close()
        .catch((error: unknown) => this.#o.logger.warn(`closing task ${taskId} failed: ${String(error)}`))
    }
  }

  #reportReadiness(): void {
    this.#o.onReadiness(this.#everAssigned && this.#openings.size === 0)
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
