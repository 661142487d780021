import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { Clock, GroupMetadata, Logger, OffsetCommit, Random, RecordProducer } from '@millrace/streams/ports'
import { CLIENT_DEFAULTS } from '../client-defaults.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import { CoordinatorCalls } from './coordinator-calls.ts'
import { Interruptible } from './interruptible.ts'
import { OutputTopicWatch } from './output-topic-watch.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerIdentity } from './producer-batch.ts'
import {
  additionTimedOutError,
  closedError,
  closeTimedOutError,
  commitUnknownError,
  coordinatorError,
  defectError,
  gapError,
  topicMissingError,
  transactionTimeoutError
} from './producer-errors.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { checkTransition, type ProducerState, sends } from './producer-state.ts'
import { Sender, type SenderOwner } from './sender.ts'
import { TopicQueueAppender } from './topic-queue-appender.ts'
import { TransactionRequests } from './transaction-requests.ts'

export interface ProducerParts {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Default 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
}

const LAST_EPOCH = 32_767

/**
 * A producer whose state is one of `ProducerState`, and whose operations (`commit`, `abort`, `reset`, `close`) run one after the
 * other. What it appends goes through a `Sender`, what it asks of coordinators through `TransactionRequests`.
 */
export class KafkaProducer implements RecordProducer, SenderOwner {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #options: ResolvedProducerOptions
  readonly #interruptible: Interruptible
  readonly #requests: TransactionRequests
  readonly #sender: Sender
  readonly #topics = new Map<string, TopicQueueAppender>()
  readonly #watch: OutputTopicWatch
  #state: ProducerState = 'initialising'
  #error: StreamsError | undefined
  /** Of every append since `close` was called. */
  #lastError: StreamsError | undefined
  /** The end of the operation begun last. */
  #lastOperation: Promise<unknown> = Promise.resolve()
  #operations = 0
  #closing: Promise<void> | undefined

  // The open transaction.
  /** Whether the coordinator may know of it, so that it must be ended there. */
  #begun = false
  readonly #groupsAdded = new Set<string>()
  readonly #partitionsToAdd: PartitionQueue[] = []
  #addingPartitions: Promise<void> | undefined
  /** The coordinator takes one addition at a time and answers CONCURRENT_TRANSACTIONS to a second. */
  #lastAddition: Promise<unknown> = Promise.resolve()
  #epochSuspect = false

  constructor(parts: ProducerParts, options: ResolvedProducerOptions) {
    this.#cluster = parts.cluster
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#options = options
    this.#interruptible = new Interruptible(parts.clock)
    const retryBackoff = { firstMs: options.retryBackoffMs, maxMs: options.retryBackoffMaxMs }
    const calls = new CoordinatorCalls(parts, this.#interruptible, retryBackoff)
    this.#requests = new TransactionRequests(parts.cluster, calls, options)
    this.#sender = new Sender(parts, options, this)
    this.#watch = new OutputTopicWatch(parts, parts.metadataMaxAgeMs ?? CLIENT_DEFAULTS.metadataMaxAgeMs)
  }

  /** Gets the first identity. */
  async initialise(): Promise<void> {
    await this.#takeOver()
    this.#beginNext()
  }

  get error(): Error | undefined {
    return this.#error
  }

  // ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────

  cachedTopic(name: string): TopicQueueAppender | undefined {
    return this.#topics.get(name)
  }

  async topic(name: string): Promise<TopicQueueAppender> {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    if (this.#state === 'closed') throw closedError(this.#options.transactionalId)
    const metadata = (await this.#interruptible.run(this.#cluster.topics([name]))).get(name)
    if (metadata === undefined) throw topicMissingError(name)
    let appender = this.#topics.get(name)
    if (appender === undefined) {
      appender = new TopicQueueAppender(metadata, this.#cluster, this.#watch, this.#sender, this.#options)
      this.#topics.set(name, appender)
    }
    return appender
  }

  get full(): boolean {
    return this.#sender.buffer.full
  }

  async whenWritable(): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    await this.#sender.whenWritable()
  }

  async flush(): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    await this.#sender.flush()
  }

  // ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * See the port. When the group refuses the offsets (`TASK_MIGRATED`) or gives no answer in time (`CLIENT_REQUEST_TIMED_OUT`), the
   * transaction is still sound and its content fixed: records appended since the call stay held back. Commit again, under newer
   * group metadata, or abort.
   */
  commit(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#error !== undefined) throw this.#error
      if (this.#options.transactionalId === undefined) await this.#commitToGroup(offsets, group)
      else await this.#commitTransaction(offsets, group)
    })
  }

  abort(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#state === 'broken' || this.#state === 'closed') throw this.#error!
      this.#moveTo('aborting')
      this.#dropAll()
      await this.#addingPartitions
      // A batch that reached its leader after the abort marker would open a transaction that nobody ends.
      await this.#interruptible.run(this.#sender.whenQuiet())
      if (this.#begun) await this.#endTransaction(false)
      await this.#renewSuspectIdentity()
      this.#beginNext()
    })
  }

  /** Takes the transactional id over, also from a producer that fenced this one. */
  reset(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#state === 'closed') throw this.#error!
      this.#moveTo('initialising')
      this.#sender.identity = undefined
      this.#dropAll()
      await this.#addingPartitions
      // A transactional id's new epoch fences what is on its way; without one it would be written after what comes next.
      if (this.#options.transactionalId === undefined) await this.#interruptible.run(this.#sender.whenQuiet())
      await this.#takeOver()
      this.#beginNext()
    })
  }

  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number | undefined): Promise<void> {
    const { transactionalId } = this.#options
    // What would be appended from now on would not be waited for.
    this.#lastError = closedError(transactionalId)
    this.#sender.error ??= this.#lastError
    let cancel = (): void => {}
    const timeout = new Promise<void>(resolve => {
      if (timeoutMs !== undefined) cancel = this.#clock.setTimer(timeoutMs, resolve)
    })
    await Promise.race([this.#finish(), timeout])
    cancel()
    // What a transaction held is aborted, sooner or later: nobody takes it for written.
    const unwritten = transactionalId === undefined ? this.#sender.unwritten : undefined
    const failure = unwritten && (this.#error ?? closeTimedOutError(unwritten, timeoutMs))
    const error = this.#lastError
    this.#error = error
    this.#sender.error = error
    this.#state = 'closed'
    this.#watch.close()
    this.#sender.stop(error)
    this.#interruptible.interrupt(error)
    if (failure !== undefined) throw failure
  }

  /** Writes what was appended, or ends the open transaction. */
  async #finish(): Promise<void> {
    const transactional = this.#options.transactionalId !== undefined
    try {
      await this.#exclusively(async () => {
        if (this.#error === undefined && !transactional) await this.#sender.flush()
      })
      if (this.#begun && (this.#error === undefined || this.#state === 'abortable')) await this.abort()
    } catch (error) {
      // Without a transactional id `close` itself tells of what was not written.
      if (transactional) this.#logger.warn('producer did not close in an orderly way', { error })
    }
  }

  // ── for the sender ───────────────────────────────────────────────────────────────────────────────────────────────

  get sending(): boolean {
    return sends(this.#state)
  }

  get maxProduceVersion(): number {
    return this.#requests.maxProduceVersion
  }

  admit(partition: PartitionQueue): boolean {
    if (this.#options.transactionalId === undefined) return true
    if (this.#requests.version === 2) {
      this.#begun = true
      return true
    }
    const { sendEra } = this.#sender
    if (partition.addedEra === sendEra) return true
    // Once: the first answer lets the transaction go on and end, and an addition that is still tried then would be one to the next.
    if (partition.askedEra !== sendEra) {
      partition.askedEra = sendEra
      this.#partitionsToAdd.push(partition)
      this.#addingPartitions ??= this.#addPartitions()
    }
    return false
  }

  onGap(partition: PartitionQueue): void {
    if (this.#options.transactionalId !== undefined) return this.fail(gapError(partition), 'abortable')
    // Another partition's gap may have raised the epoch already.
    if (partition.identity === this.#sender.identity) this.#raiseEpoch()
  }

  fail(error: StreamsError, state: 'abortable' | 'broken'): void {
    const worse = this.#error === undefined || (this.#state === 'abortable' && state === 'broken')
    if (!worse || this.#state === 'closed' || this.#state === 'broken') return
    this.#logger.warn(`producer failed: ${error.message}`, { transactionalId: this.#options.transactionalId })
    this.#moveTo(state)
    this.#error = error
    this.#sender.error = error
    this.#sender.buffer.rejectWaiters(error)
  }

  // ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #commitTransaction(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void> {
    let flushed: Promise<void> = Promise.resolve()
    if (this.#state === 'ready') {
      this.#sender.closeOpen()
      flushed = this.#sender.flush()
      this.#sender.appendEra++
      this.#moveTo('ending')
    }
    // Side by side; both are awaited, so that after a refusal nothing of this transaction is under way any more.
    const [flush, sendOffsets] = await Promise.allSettled([flushed, this.#sendOffsets(offsets, group)])
    if (this.#error !== undefined) throw this.#error
    if (flush.status === 'rejected') throw flush.reason
    if (sendOffsets.status === 'rejected') throw sendOffsets.reason
    if (this.#begun) {
      this.#moveTo('committing')
      await this.#endTransaction(true)
    }
    this.#beginNext()
  }

  async #addPartitions(): Promise<void> {
    // Once all partitions of this drain have asked.
    await Promise.resolve()
    while (this.#partitionsToAdd.length > 0 && this.sending) {
      const partitions = this.#partitionsToAdd.splice(0)
      const era = this.#sender.sendEra
      const over = (): boolean => !this.sending || era !== this.#sender.sendEra
      try {
        const outcome = await this.#oneAddition(() => {
          this.#begun = true
          return this.#requests.addPartitions(this.#sender.identity!, partitions, over)
        })
        if (over()) break
        if (outcome.verdict === 'done') {
          for (const partition of partitions) partition.addedEra = era
          this.#sender.wake()
        } else {
          const { transactionalId } = this.#options
          const error = coordinatorError(outcome, 'add partitions to the transaction', transactionalId)
          const timedOut = outcome.verdict === 'timed-out'
          this.#failForCoordinator(timedOut ? additionTimedOutError(transactionalId, error) : error)
        }
      } catch (error) {
        if (over()) break
        this.#failForCoordinator(isStreamsError(error) ? error : defectError(error))
      }
    }
    this.#partitionsToAdd.length = 0
    // In the same turn as the last look at the list: a partition that asks later must find nobody at work.
    this.#addingPartitions = undefined
  }

  /** @throws without a change of state what leaves the transaction sound. */
  async #sendOffsets(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void> {
    if (offsets.length === 0) return
    const { transactionalId } = this.#options
    const identity = this.#sender.identity!
    const over = (): boolean => !this.sending
    if (this.#requests.version === 1 && !this.#groupsAdded.has(group.groupId)) {
      const outcome = await this.#oneAddition(() => {
        this.#begun = true
        return this.#requests.addOffsets(identity, group.groupId, over)
      })
      if (outcome.verdict !== 'done') {
        throw this.#failUnlessSound(
          coordinatorError(outcome, `add group '${group.groupId}' to the transaction`, transactionalId)
        )
      }
      this.#groupsAdded.add(group.groupId)
    }
    this.#begun = true
    const outcome = await this.#requests.commitOffsets(identity, offsets, group, over)
    if (outcome.verdict === 'done') return
    throw this.#failUnlessSound(
      coordinatorError(outcome, `write the offsets of group '${group.groupId}'`, transactionalId)
    )
  }

  async #endTransaction(committed: boolean): Promise<void> {
    const { transactionalId } = this.#options
    const identity = this.#sender.identity!
    const outcome = await this.#requests.end(identity, committed).catch(cause => {
      const error = isStreamsError(cause) ? cause : defectError(cause)
      this.fail(error, 'broken')
      throw error
    })
    if (outcome.verdict === 'done') {
      const { answer } = outcome
      if (this.#requests.version === 2 && answer !== undefined && answer.producerEpoch >= 0) {
        this.#identify(answer.producerId, answer.producerEpoch)
      }
      return
    }
    const doing = committed ? 'commit the transaction' : 'abort the transaction'
    let error = coordinatorError(outcome, doing, transactionalId)
    switch (outcome.verdict) {
      case 'abort':
        if (committed && outcome.unanswered) error = commitUnknownError(transactionalId, outcome)
        else {
          // The coordinator has no such transaction open: what this identity stands for is in doubt, a new epoch settles it.
          this.#epochSuspect = true
          if (!committed) return
          this.#begun = false
        }
        break
      case 'timed-out':
        if (committed) error = commitUnknownError(transactionalId, outcome)
        break
    }
    const abortable = error.code === 'TRANSACTION_ABORTED' || error.code === 'CLIENT_REQUEST_TIMED_OUT'
    this.fail(error, abortable ? 'abortable' : 'broken')
    throw error
  }

  async #commitToGroup(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void> {
    await this.#sender.flush()
    if (offsets.length === 0) return
    const outcome = await this.#requests.commitOffsetsToGroup(offsets, group)
    if (outcome.verdict === 'done') return
    throw coordinatorError(outcome, `write the offsets of group '${group.groupId}'`, undefined)
  }

  /** Whatever was open has ended: what was held back may leave. */
  #beginNext(): void {
    this.#begun = false
    this.#groupsAdded.clear()
    this.#error = undefined
    this.#sender.error = this.#lastError
    this.#moveTo('ready')
    this.#sender.beginNext()
  }

  #dropAll(): void {
    this.#sender.appendEra++
    this.#sender.drop(
      new StreamsError(
        'TRANSACTION_ABORTED',
        'The records were dropped by abort or reset before they were acknowledged'
      )
    )
    // What is appended from now on belongs to what comes next.
    this.#error = undefined
    this.#sender.error = this.#lastError
  }

  // ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #takeOver(): Promise<void> {
    try {
      await this.#requests.chooseVersion()
      await this.#renewIdentity(undefined)
    } catch (cause) {
      const error = isStreamsError(cause) ? cause : defectError(cause)
      this.fail(error, 'broken')
      throw error
    }
  }

  /** @throws StreamsError */
  async #renewIdentity(previous: ProducerIdentity | undefined): Promise<void> {
    const outcome = await this.#requests.initialise(previous)
    if (outcome.verdict !== 'done' || outcome.answer === undefined) {
      const { transactionalId, transactionTimeoutMs } = this.#options
      if (outcome.errorCode === KafkaErrorCode.INVALID_TRANSACTION_TIMEOUT) {
        throw transactionTimeoutError(transactionalId, transactionTimeoutMs)
      }
      throw coordinatorError(outcome, 'get a producer id', transactionalId)
    }
    this.#epochSuspect = false
    this.#identify(outcome.answer.producerId, outcome.answer.producerEpoch)
  }

  #identify(producerId: bigint, producerEpoch: number): void {
    this.#sender.identify({ producerId, producerEpoch, firstSequenceChecked: this.#requests.version === 2 })
  }

  /** After batches were given up that may yet be written, or have been: their sequences must not be used again. */
  async #renewSuspectIdentity(): Promise<void> {
    if (!this.#sender.uncertain && !this.#epochSuspect) return
    if (this.#options.transactionalId === undefined) {
      this.#raiseEpoch()
      return
    }
    try {
      await this.#renewIdentity(this.#sender.identity)
    } catch (cause) {
      const error = isStreamsError(cause) ? cause : defectError(cause)
      this.#failForCoordinator(error)
      throw error
    }
  }

  /** Without a transactional id nobody else uses the producer id, and the epoch may be raised without asking (KIP-360). */
  #raiseEpoch(): void {
    const identity = this.#sender.identity
    if (identity === undefined) return
    if (identity.producerEpoch < LAST_EPOCH) {
      this.#sender.identity = { ...identity, producerEpoch: identity.producerEpoch + 1 }
      return
    }
    this.#sender.identity = undefined
    this.#renewIdentity(undefined).catch(error =>
      this.fail(isStreamsError(error) ? error : defectError(error), 'broken')
    )
  }

  // ── plumbing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #moveTo(state: ProducerState): void {
    if (state === this.#state) return
    checkTransition(this.#state, state)
    this.#state = state
  }

  #failForCoordinator(error: StreamsError): void {
    this.fail(error, error.action === 'abort-transaction' || error.action === 'retry' ? 'abortable' : 'broken')
  }

  #failUnlessSound(error: StreamsError): StreamsError {
    if (error.code !== 'TASK_MIGRATED' && error.code !== 'CLIENT_REQUEST_TIMED_OUT') this.#failForCoordinator(error)
    return error
  }

  #oneAddition<T>(addition: () => Promise<T>): Promise<T> {
    const result = this.#lastAddition.then(addition)
    this.#lastAddition = result.catch(() => {})
    return result
  }

  /**
   * Runs at once when nothing else is going on: the caller may append right after calling, without awaiting, and what it appends
   * then must be on the other side of the boundary.
   */
  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#operations++ === 0 ? operation() : this.#lastOperation.then(operation)
    const done = (): void => {
      this.#operations--
    }
    this.#lastOperation = result.then(done, done)
    return result
  }
}
