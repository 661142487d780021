import type { DescribeTransactions, ListTransactions, ResponseInputOf } from '@millrace/protocol'
import type { Clock, Logger } from '@millrace/streams/ports'
import { ErrorCode } from '../error-code.ts'
import type { GroupCoordinator } from '../groups/group-coordinator.ts'
import { StorageError } from '../storage/log-storage.ts'
import { ChangeJournal } from '../storage/change-journal.ts'
import type { StateJournal } from '../storage/state-journal.ts'
import type { Topics } from '../topics/topics.ts'
import { completeEnd, judgeEnd, prepareEnd } from './end-transaction.ts'
import { initProducerId, mayContinue } from './init-producer-id.ts'
import { OFFSETS_TOPIC } from './offsets-partition.ts'
import { ProducerIds } from './producer-ids.ts'
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type ProducerIdentity,
  type TopicPartition,
  Transaction
} from './transaction.ts'
import type { TransactionConfig } from './transaction-config.ts'
import { type TransactionEntry, transactionEntry, transactionOf } from './transaction-journal.ts'
import { STATE_NAMES } from './transaction-states.ts'
import { verifyTransactionalWrite } from './verify-transactional-write.ts'

export interface TransactionCoordinatorParts {
  readonly config: TransactionConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly topics: Pick<Topics, 'partition'>
  readonly groups: Pick<GroupCoordinator, 'offsets'>
  readonly journal: StateJournal
}

export interface ProducedPartition extends ProducerIdentity, TopicPartition {}

export interface IdentityAnswer extends ProducerIdentity {
  readonly errorCode: number
}

type TransactionDescription = ResponseInputOf<typeof DescribeTransactions>['transactionStates'][number]
type ListedTransaction = ResponseInputOf<typeof ListTransactions>['transactionStates'][number]

/** Which transactional ids ListTransactions is asked for; what is empty, or negative, lets all pass. */
export interface TransactionFilter {
  readonly states: readonly string[]
  readonly producerIds: readonly bigint[]
  readonly durationMs: number
  readonly pattern: RegExp | null
}

/** Until what the disk refused is tried again. */
const RETRY_MS = 1000
const NO_IDENTITY: ProducerIdentity = { producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }

/**
 * Owns transactional ids, producer ids and running transactions.
 *
 * A decision is written down before its markers are, and the markers before the answer: whoever reads after a commit
 * was answered sees it. Kafka answers after the decision alone.
 */
export class TransactionCoordinator {
  readonly #parts: TransactionCoordinatorParts
  readonly #journal: ChangeJournal<TransactionEntry>
  readonly #transactions = new Map<string, Transaction>()
  readonly #producerIds: ProducerIds
  #cancelCleanup: () => void = () => {}

  constructor(parts: TransactionCoordinatorParts) {
    this.#parts = parts
    const { journal, logger } = parts
    this.#journal = new ChangeJournal({ journal, present: () => this.#entries(), logger })
    this.#producerIds = new ProducerIds(end => this.#journal.append({ kind: 'producer-ids', end: String(end) }))
  }

  /**
   * Reads what earlier runs left. What they had decided is ended now; what runs may go on until its time-out. Called
   * once, after topics and groups have started, before the first request.
   */
  start(): void {
    for (const entry of this.#journal.replay()) this.#restore(entry)
    for (const transaction of this.#transactions.values()) {
      if (transaction.isEnding) this.#completeAfterStart(transaction)
      else if (transaction.isIn('Ongoing')) this.#scheduleTimeout(transaction)
    }
    this.#scheduleCleanup()
  }

  #completeAfterStart(transaction: Transaction): void {
    try {
      this.#carryOut(transaction, [() => this.#writeMarkers(transaction)])
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#warnOfDelay(transaction, error)
    }
  }

  /** Cancels timers. */
  close(): void {
    this.#cancelCleanup()
    for (const transaction of this.#transactions.values()) transaction.cancelTimer()
  }

  // ── producers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * InitProducerId. Of a transactional id with a running transaction that one is aborted, and the answer is
   * CONCURRENT_TRANSACTIONS: it fences whoever had the id, and the next call gets an epoch of its own.
   *
   * @param expected - -1n and -1 for none.
   */
  initProducerId(transactionalId: string | null, timeoutMs: number, expected: ProducerIdentity): IdentityAnswer {
    const isNew = expected.producerId === NO_PRODUCER_ID && expected.producerEpoch === NO_PRODUCER_EPOCH
    if (!isNew && (expected.producerId === NO_PRODUCER_ID || expected.producerEpoch === NO_PRODUCER_EPOCH)) {
      return refused(ErrorCode.INVALID_REQUEST)
    }
    if (transactionalId === null) {
      return { errorCode: ErrorCode.NONE, producerId: this.#producerIds.next(), producerEpoch: 0 }
    }
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
    if (timeoutMs <= 0 || timeoutMs > this.#parts.config.transactionMaxTimeoutMs) {
      return refused(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    }
    const nowMs = this.#parts.clock.nowMs()
    const transaction =
      this.#transactions.get(transactionalId) ??
      new Transaction(transactionalId, this.#producerIds.next(), timeoutMs, nowMs)
    if (!isNew && !mayContinue(transaction, expected)) return refused(ErrorCode.PRODUCER_FENCED)
    if (transaction.isEnding) return refused(ErrorCode.CONCURRENT_TRANSACTIONS)
    if (transaction.isIn('Ongoing')) {
      this.#fence(transaction)
      return refused(ErrorCode.CONCURRENT_TRANSACTIONS)
    }
    const errorCode = this.#change(transaction, changed =>
      initProducerId(changed, isNew ? undefined : expected, timeoutMs, nowMs, this.#nextProducerId)
    )
    if (errorCode !== ErrorCode.NONE) return refused(errorCode)
    this.#transactions.set(transactionalId, transaction)
    return identityOf(transaction)
  }

  /**
   * Aborts what runs under a transactional id and fences whoever has it, as another producer with the same id would.
   * For tests of whatever must survive it.
   *
   * @returns False when the id is unknown.
   */
  fenceProducer(transactionalId: string): boolean {
    const transaction = this.#transactions.get(transactionalId)
    if (transaction === undefined || transaction.isEnding) return false
    if (transaction.isIn('Ongoing')) this.#fence(transaction)
    if (transaction.isEnding) return true
    const nowMs = this.#parts.clock.nowMs()
    this.#change(transaction, changed =>
      initProducerId(changed, undefined, transaction.timeoutMs, nowMs, this.#nextProducerId)
    )
    return true
  }

  // ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds partitions, and begins a transaction where none runs. @returns an error code for all of them. */
  addPartitions(transactionalId: string, producer: ProducerIdentity, partitions: readonly TopicPartition[]): number {
    const found = this.#find(transactionalId, producer)
    if (typeof found === 'number') return found
    if (found.isIn('Ongoing') && partitions.every(partition => found.has(partition))) return ErrorCode.NONE
    const nowMs = this.#parts.clock.nowMs()
    const begins = !found.isIn('Ongoing')
    this.#change(found, changed => {
      if (begins) changed.startedAtMs = nowMs
      changed.addPartitions(partitions)
      changed.transitionTo('Ongoing', nowMs)
      return ErrorCode.NONE
    })
    if (begins) this.#scheduleTimeout(found)
    return ErrorCode.NONE
  }

  /** Whether the running transaction has the partition; TRANSACTION_ABORTABLE when it has not. */
  verifyPartition(transactionalId: string, producer: ProducerIdentity, partition: TopicPartition): number {
    const found = this.#find(transactionalId, producer)
    if (typeof found === 'number') return found
    return found.has(partition) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE
  }

  /**
   * Asked by Produce before a transactional batch is appended.
   *
   * @param version - Of Produce: from 12 on it adds the partition itself (KIP-890, transactions v2); below, the partition
   *   must have been added by AddPartitionsToTxn.
   * @returns An error code for the partition.
   */
  verifyProduce(transactionalId: string | null, write: ProducedPartition, version: number): number {
    if (transactionalId === null) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    // A batch of nobody's may call itself transactional; it is not.
    if (write.producerId < 0n) return ErrorCode.NONE
    const ability = version >= 12 ? 'add' : version >= 11 ? 'abortable' : 'plain'
    const errorCode = verifyTransactionalWrite(this, transactionalId, write, write, ability)
    // Older producers do not repeat a batch for CONCURRENT_TRANSACTIONS, but for this.
    if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS && ability !== 'add') return ErrorCode.NOT_ENOUGH_REPLICAS
    return errorCode
  }

  /** EndTxn. With transactions v2 the answer holds the identity for the next transaction. */
  endTransaction(
    transactionalId: string,
    producer: ProducerIdentity,
    committed: boolean,
    usesV2: boolean
  ): IdentityAnswer {
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
    const transaction = this.#transactions.get(transactionalId)
    if (transaction === undefined) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    const verdict = judgeEnd(transaction, producer, committed, usesV2)
    if ('begin' in verdict) {
      this.#end(transaction, verdict.begin, usesV2)
    } else if (verdict.errorCode !== ErrorCode.NONE) {
      return refused(verdict.errorCode)
    }
    if (transaction.nextProducerId === NO_PRODUCER_ID) return identityOf(transaction)
    return { errorCode: ErrorCode.NONE, producerId: transaction.nextProducerId, producerEpoch: 0 }
  }

  #find(transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): Transaction | number {
    if (transactionalId === '') return ErrorCode.INVALID_REQUEST
    const transaction = this.#transactions.get(transactionalId)
    if (transaction?.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if (transaction.producerEpoch !== producerEpoch) return ErrorCode.PRODUCER_FENCED
    return transaction.isEnding ? ErrorCode.CONCURRENT_TRANSACTIONS : transaction
  }

  /** Aborts from our side, in the next epoch: whatever the producer sends from now on is too late. */
  #fence(transaction: Transaction): void {
    this.#end(transaction, 'PrepareAbort', true)
  }

  #end(transaction: Transaction, decision: 'PrepareCommit' | 'PrepareAbort', raisesEpoch: boolean): void {
    const { clock, config } = this.#parts
    prepareEnd(transaction, decision, raisesEpoch, clock.nowMs(), this.#nextProducerId)
    transaction.cancelTimer()
    const complete = (): void => this.#writeMarkers(transaction)
    this.#carryOut(transaction, [
      () => this.#save(transaction),
      config.transactionMarkerDelayMs === 0
        ? complete
        : () => this.#carryOutIn(config.transactionMarkerDelayMs, transaction, [complete])
    ])
  }

  /** Takes the steps of an end that was decided. Where the disk fails this request fails, and time takes the rest. */
  #carryOut(transaction: Transaction, steps: readonly (() => void)[]): void {
    for (const [i, step] of steps.entries()) {
      try {
        step()
      } catch (error) {
        if (error instanceof StorageError) this.#carryOutIn(RETRY_MS, transaction, steps.slice(i))
        throw error
      }
    }
  }

  #carryOutIn(delayMs: number, transaction: Transaction, steps: readonly (() => void)[]): void {
    const { clock } = this.#parts
    transaction.cancelTimer = clock.setTimer(delayMs, () => {
      try {
        this.#carryOut(transaction, steps)
      } catch (error) {
        this.#warnOfDelay(transaction, error)
      }
    })
  }

  #warnOfDelay({ transactionalId }: Transaction, error: unknown): void {
    this.#parts.logger.error('a transaction cannot be ended yet', { transactionalId, error })
  }

  #writeMarkers(transaction: Transaction): void {
    const { topics, groups, logger } = this.#parts
    const { producerId, producerEpoch, transactionalId } = transaction
    const committed = transaction.isIn('PrepareCommit')
    for (const { topic, partition } of transaction.partitions) {
      if (topic === OFFSETS_TOPIC) {
        groups.offsets.endTransaction(producerId, committed)
        continue
      }
      // A topic deleted meanwhile takes its part of the transaction along.
      const log = topics.partition(topic, partition)
      const errorCode = log?.appendControl(producerId, producerEpoch, committed ? 'commit' : 'abort') ?? ErrorCode.NONE
      if (errorCode !== ErrorCode.NONE) {
        logger.warn('a partition refused the marker of a transaction', { transactionalId, topic, partition, errorCode })
      }
    }
    completeEnd(transaction, this.#parts.clock.nowMs())
    try {
      this.#save(transaction)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // The decision is written: the next start comes to the same end, unless more is written before.
      logger.error('the end of a transaction is not written down', { transactionalId, error })
    }
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleTimeout(transaction: Transaction): void {
    const { clock, logger } = this.#parts
    const remainingMs = transaction.startedAtMs + transaction.timeoutMs - clock.nowMs()
    transaction.cancelTimer()
    transaction.cancelTimer = clock.setTimer(Math.max(0, remainingMs), () => {
      const { transactionalId, timeoutMs } = transaction
      logger.warn('a transaction is aborted after its time-out', { transactionalId, timeoutMs })
      this.#fence(transaction)
    })
  }

  #scheduleCleanup(): void {
    const { clock, config } = this.#parts
    this.#cancelCleanup = clock.setTimer(config.transactionalIdCleanupIntervalMs, () => {
      this.#scheduleCleanup()
      const beforeMs = clock.nowMs() - config.transactionalIdExpirationMs
      for (const transaction of this.#transactions.values()) {
        if (transaction.updatedAtMs > beforeMs || transaction.isIn('Ongoing') || transaction.isEnding) continue
        const { transactionalId } = transaction
        this.#journal.append({ kind: 'transaction-forgotten', transactionalId })
        this.#transactions.delete(transactionalId)
      }
    })
  }

  // ── administration ───────────────────────────────────────────────────────────────────────────────────────────────

  describe(transactionalId: string): TransactionDescription {
    const transaction = this.#transactions.get(transactionalId)
    if (transaction === undefined) {
      const errorCode = transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
      return {
        errorCode,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 0,
        transactionStartTimeMs: 0,
        producerId: 0n,
        producerEpoch: 0,
        topics: []
      }
    }
    const topics = new Map<string, number[]>()
    for (const { topic, partition } of transaction.partitions) {
      topics.set(topic, [...(topics.get(topic) ?? []), partition])
    }
    return {
      errorCode: ErrorCode.NONE,
      transactionalId,
      transactionState: transaction.state,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStartTimeMs: transaction.startedAtMs,
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions }))
    }
  }

  list(filter: TransactionFilter): { unknownStateFilters: string[]; transactionStates: ListedTransaction[] } {
    const nowMs = this.#parts.clock.nowMs()
    const states = filter.states.filter(state => STATE_NAMES.has(state))
    const listed: ListedTransaction[] = []
    for (const { transactionalId, producerId, state, startedAtMs } of this.#transactions.values()) {
      if (filter.producerIds.length > 0 && !filter.producerIds.includes(producerId)) continue
      if (filter.states.length > 0 && !states.includes(state)) continue
      if (filter.durationMs >= 0 && nowMs - startedAtMs <= filter.durationMs) continue
      if (filter.pattern !== null && !filter.pattern.test(transactionalId)) continue
      listed.push({ transactionalId, producerId, transactionState: state })
    }
    return {
      unknownStateFilters: filter.states.filter(state => !STATE_NAMES.has(state)),
      transactionStates: listed
    }
  }

  // ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #nextProducerId = (): bigint => this.#producerIds.next()

  /** Makes a change once it is written down; nothing changes where it is refused, or cannot be written. */
  #change(transaction: Transaction, change: (changed: Transaction) => number): number {
    const changed = transaction.copy()
    const errorCode = change(changed)
    if (errorCode !== ErrorCode.NONE) return errorCode
    this.#save(changed)
    transaction.become(changed)
    return ErrorCode.NONE
  }

  #save(transaction: Transaction): void {
    this.#journal.append(transactionEntry(transaction))
  }

  *#entries(): Generator<TransactionEntry> {
    yield { kind: 'producer-ids', end: String(this.#producerIds.reservedEnd) }
    for (const transaction of this.#transactions.values()) yield transactionEntry(transaction)
  }

  #restore(entry: TransactionEntry): void {
    if (entry.kind === 'transaction') this.#transactions.set(entry.transactionalId, transactionOf(entry))
    else if (entry.kind === 'transaction-forgotten') this.#transactions.delete(entry.transactionalId)
    else this.#producerIds.restore(BigInt(entry.end))
  }
}

function refused(errorCode: number): IdentityAnswer {
  return { errorCode, ...NO_IDENTITY }
}

function identityOf({ producerId, producerEpoch }: Transaction): IdentityAnswer {
  return { errorCode: ErrorCode.NONE, producerId, producerEpoch }
}
