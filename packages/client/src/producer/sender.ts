import { Produce, type RequestOf, type ResponseOf } from '@millrace/protocol'
import { isStreamsError, type StreamsError } from '@millrace/streams/core'
import type { Clock, Logger, Random } from '@millrace/streams/ports'
import type { Cluster } from '../cluster.ts'
import { MISSING_AFTER_MS } from '../missing-topic.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { BatchFormat, ProducerBatch, ProducerIdentity } from './producer-batch.ts'
import { produceVerdict } from './produce-verdict.ts'
import {
  defectError,
  deliveryTimedOutError,
  fencedError,
  refusedError,
  topicMissingError,
  unauthorizedError,
  unusableError
} from './producer-errors.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { SendBuffer } from './send-buffer.ts'
import { answeredWith, NO_LEADER, NO_TOPIC, type Setback, unanswered } from './setback.ts'

/** What the sender asks of, and tells, the producer that owns it. */
export interface SenderOwner {
  /** Whether batches may leave now. */
  readonly sending: boolean
  /** Highest Produce version that goes with the transaction's protocol. */
  readonly maxProduceVersion: number
  /** Whether the partition is in the open transaction; if not, sees to it and calls `wake` when it is. */
  admit(partition: PartitionQueue): boolean
  /** The broker misses sequences although nothing before them is unanswered. Leaves a new identity in `sender.identity`, or fails. */
  onGap(partition: PartitionQueue): void
  fail(error: StreamsError, state: 'abortable' | 'broken'): void
}

export type PartitionAnswer = ResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number]

const REQUEST_OVERHEAD_BYTES = 256
const PARTITION_OVERHEAD_BYTES = 64
const SOON_MS = 5
/** A leader that moves, or a broker that starts again, takes less. */
const WARN_AFTER_MS = 10_000
/** Between two warnings: what keeps one partition from taking records mostly keeps others, too. */
const WARN_AGAIN_MS = 30_000
const MAX_REQUESTS_PER_BROKER = 5
/** An application goes back to its last commit and writes again within less. */
const MISSING_FORGOTTEN_MS = 60_000

/** Sends closed batches to their leaders and sees each through to its acknowledgement. */
export class Sender {
  // Read for every record by the appenders.
  readonly buffer: SendBuffer
  /** Why nothing can be appended. */
  error: Error | undefined
  identity: ProducerIdentity | undefined
  /** The transaction that appended records belong to, and the one whose batches may leave. They differ while one ends. */
  appendEra = 0
  sendEra = 0

  private readonly cluster: Cluster
  private readonly clock: Clock
  private readonly random: Random
  private readonly logger: Logger
  private readonly options: ResolvedProducerOptions
  private readonly owner: SenderOwner
  private readonly format: BatchFormat
  /** Of topics with a compression of their own. */
  private readonly formats: ReadonlyMap<string, BatchFormat>
  private readonly active = new Set<PartitionQueue>()
  private readonly inFlightByNode = new Map<number, number>()
  private inFlightTotal = 0
  private readonly quietWaiters = new Set<() => void>()
  private readonly refreshing = new Set<string>()
  /** Since when brokers say of a topic that it does not exist, and when they did last. It outlives transactions, which may be given up sooner. */
  private readonly missing = new Map<string, { readonly sinceMs: number; saidMs: number }>()
  private drainQueued = false
  private wakeAtMs = Number.POSITIVE_INFINITY
  private cancelWake: (() => void) | undefined
  private closed = false
  private warnedMs = Number.NEGATIVE_INFINITY

  constructor(
    parts: { readonly cluster: Cluster; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    options: ResolvedProducerOptions,
    owner: SenderOwner
  ) {
    this.cluster = parts.cluster
    this.clock = parts.clock
    this.random = parts.random
    this.logger = parts.logger
    this.options = options
    this.buffer = new SendBuffer(options.bufferBytes)
    this.owner = owner
    const transactional = options.transactionalId !== undefined
    this.format = { transactional, compression: options.compression }
    this.formats = new Map(
      Object.entries(options.compressionByTopic).map(([topic, compression]) => [topic, { transactional, compression }])
    )
  }

  // ── from the appenders ───────────────────────────────────────────────────────────────────────────────────────────

  /** An open batch got its first record. */
  opened(partition: PartitionQueue): void {
    const nowMs = this.clock.monotonicMs()
    partition.openedMs = nowMs
    this.active.add(partition)
    this.wakeAt(nowMs + this.options.lingerMs)
  }

  /** The open batch is full. It leaves when the burst of appends is over, when the event loop gets to run. */
  filled(partition: PartitionQueue): void {
    this.close(partition)
    this.wake()
  }

  // ── from the producer ────────────────────────────────────────────────────────────────────────────────────────────

  /** Drains once the current synchronous work is done. */
  wake(): void {
    if (this.drainQueued || this.closed) return
    this.drainQueued = true
    queueMicrotask(() => {
      this.drainQueued = false
      this.drain()
    })
  }

  /** Closes all open batches, so that records appended from now on are in others. */
  closeOpen(): void {
    for (const partition of this.active) this.close(partition)
  }

  /** Resolves when all that was appended until now is acknowledged. */
  flush(): Promise<void> {
    this.closeOpen()
    this.wake()
    return this.buffer.whenFlushed()
  }

  whenWritable(): Promise<void> {
    if (this.buffer.full) {
      for (const partition of this.active) partition.openDue = true
      this.wake()
    }
    return this.buffer.whenWritable()
  }

  /** Resolves when no Produce request awaits its answer. */
  whenQuiet(): Promise<void> {
    if (this.inFlightTotal === 0) return Promise.resolve()
    return new Promise(resolve => this.quietWaiters.add(resolve))
  }

  /** The transaction that was held back may leave; its delivery time-out begins. */
  beginNext(): void {
    const nowMs = this.clock.monotonicMs()
    for (const partition of this.active) {
      partition.restartTime(nowMs)
    }
    this.sendEra = this.appendEra
    this.wake()
  }

  /** Forgets all that is not acknowledged. */
  drop(error: Error): void {
    this.buffer.rejectFlushes(error)
    for (const partition of this.active) {
      for (const batch of partition.drop()) this.buffer.complete(batch)
    }
    this.buffer.empty()
  }

  /** Whether dropped batches may or may not have used up sequences of this identity. */
  get uncertain(): boolean {
    for (const partition of this.active) if (partition.uncertain && partition.identity === this.identity) return true
    return false
  }

  /** Some partition that has records which are neither acknowledged nor dropped. */
  get unwritten(): PartitionQueue | undefined {
    for (const partition of this.active) if (partition.unwritten) return partition
    return undefined
  }

  stop(error: Error): void {
    this.buffer.rejectWaiters(error)
    this.drop(error)
    this.closed = true
    this.cancelWake?.()
    for (const resolve of this.quietWaiters) resolve()
    this.quietWaiters.clear()
  }

  /** Goes on under another identity, with what could not be settled without one. */
  identify(identity: ProducerIdentity): void {
    this.identity = identity
    for (const partition of this.active) if (partition.inFlight === 0) this.settleRefusals(partition)
    this.wake()
  }

  // ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private close(partition: PartitionQueue): void {
    if (partition.closeOpen(this.formatOf(partition), this.appendEra, this.buffer.nextOrdinal) !== undefined)
      this.buffer.closed()
  }

  private formatOf({ topic }: PartitionQueue): BatchFormat {
    return this.formats.get(topic) ?? this.format
  }

  private wakeAt(atMs: number): void {
    if (atMs >= this.wakeAtMs) return
    this.cancelWake?.()
    this.wakeAtMs = atMs
    this.cancelWake = this.clock.setTimer(Math.max(0, atMs - this.clock.monotonicMs()), () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY
      this.cancelWake = undefined
      this.drain()
    })
  }

  private drain(): void {
    try {
      this.sendAll()
    } catch (error) {
      this.onDefect(error)
    }
  }

  private readonly onDefect = (error: unknown): void => {
    this.owner.fail(defectError(error), 'broken')
  }

  private sendAll(): void {
    const { identity } = this
    if (this.closed || identity === undefined || !this.owner.sending) return
    const nowMs = this.clock.monotonicMs()
    for (const partition of this.active) {
      if (partition.idle && !(partition.uncertain && partition.identity === identity)) this.active.delete(partition)
      else if (!this.checkDeadlines(partition, nowMs)) return
    }
    while (this.sendRound(identity, nowMs));
  }

  /** False when the producer failed. */
  private checkDeadlines(partition: PartitionQueue, nowMs: number): boolean {
    const { lingerMs, deliveryTimeoutMs } = this.options
    if (partition.builder.count > 0) {
      const dueMs = partition.openedMs + lingerMs
      if (dueMs <= nowMs) partition.openDue = true
      else this.wakeAt(dueMs)
    }
    const oldest = partition.unresolved[0] ?? partition.waiting[0]
    // What is in flight is answered, or times out, first. What is held back for the next transaction is not late.
    if (oldest === undefined || oldest.inFlight || oldest.era !== this.sendEra) return true
    const expiresMs = oldest.createdMs + deliveryTimeoutMs
    if (expiresMs > nowMs) {
      this.wakeAt(expiresMs)
      return true
    }
    this.owner.fail(deliveryTimedOutError(partition, deliveryTimeoutMs, partition.setback), 'abortable')
    return false
  }

  /** Sends at most one request to each leader. */
  private sendRound(identity: ProducerIdentity, nowMs: number): boolean {
    const requests = new Map<number, { batches: ProducerBatch[]; partitions: PartitionQueue[]; bytes: number }>()
    for (const partition of this.active) {
      const ready = partition.next(this.sendEra, identity)
      const wantsOpen =
        ready === undefined && partition.openDue && partition.wantsOpen(this.sendEra, this.appendEra, identity)
      if (ready === undefined && !wantsOpen) continue
      if (partition.retryAtMs > nowMs) {
        this.wakeAt(partition.retryAtMs)
        continue
      }
      const leader = this.cluster.leader(partition.topic, partition.partition)
      if (leader === undefined) {
        this.retryLater(partition, this.missing.has(partition.topic) ? NO_TOPIC : NO_LEADER)
        this.refresh(partition.topic)
        continue
      }
      if (this.missing.size > 0) this.missing.delete(partition.topic)
      const { nodeId } = leader
      if ((this.inFlightByNode.get(nodeId) ?? 0) >= MAX_REQUESTS_PER_BROKER) continue
      if (!this.owner.admit(partition)) continue
      if (wantsOpen) this.close(partition)
      const batch = ready ?? partition.waiting[0]!
      const batchBytes = batch.bytes.length + PARTITION_OVERHEAD_BYTES
      let request = requests.get(nodeId)
      if (request === undefined) {
        request = { batches: [], partitions: [], bytes: REQUEST_OVERHEAD_BYTES }
        requests.set(nodeId, request)
      } else if (request.bytes + batchBytes > this.options.maxRequestBytes) continue
      request.bytes += batchBytes
      request.batches.push(batch)
      request.partitions.push(partition)
      partition.send(batch, identity)
    }
    for (const [nodeId, { batches, partitions }] of requests) {
      // To the end of the line, so that under load every partition gets its turn.
      for (const partition of partitions) {
        this.active.delete(partition)
        this.active.add(partition)
      }
      this.send(nodeId, batches, partitions).catch(this.onDefect)
    }
    return requests.size > 0
  }

  private async send(nodeId: number, batches: ProducerBatch[], partitions: PartitionQueue[]): Promise<void> {
    this.inFlightByNode.set(nodeId, (this.inFlightByNode.get(nodeId) ?? 0) + 1)
    this.inFlightTotal++
    let answer: ResponseOf<typeof Produce> | undefined
    let failure: unknown
    try {
      answer = await this.cluster.request({ nodeId }, Produce, this.requestOf(batches, partitions), {
        lane: 'producer',
        maxVersion: this.owner.maxProduceVersion
      })
    } catch (error) {
      failure = error
    }
    this.inFlightByNode.set(nodeId, this.inFlightByNode.get(nodeId)! - 1)
    this.inFlightTotal--
    if (this.closed) return

    for (let i = 0; i < batches.length; i++) {
      const partition = partitions[i]!
      partition.answered(batches[i]!)
      const partitionAnswer = answer && findAnswer(answer, partition)
      if (partitionAnswer !== undefined) this.onAnswer(partition, batches[i]!, partitionAnswer)
      else this.onNoAnswer(partition, batches[i]!, failure)
      if (partition.inFlight === 0) this.settleRefusals(partition)
    }
    if (this.inFlightTotal === 0) {
      for (const resolve of this.quietWaiters) resolve()
      this.quietWaiters.clear()
    }
    this.drain()
  }

  private requestOf(batches: ProducerBatch[], partitions: PartitionQueue[]): RequestOf<typeof Produce> {
    const topics = new Map<string, { index: number; records: Buffer }[]>()
    for (let i = 0; i < batches.length; i++) {
      const { topic, partition } = partitions[i]!
      let partitionData = topics.get(topic)
      if (partitionData === undefined) topics.set(topic, (partitionData = []))
      partitionData.push({ index: partition, records: batches[i]!.bytes })
    }
    return {
      transactionalId: this.options.transactionalId ?? null,
      acks: -1,
      timeoutMs: this.options.requestTimeoutMs,
      topicData: Array.from(topics, ([name, partitionData]) => ({ name, partitionData }))
    }
  }

  // ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private onNoAnswer(partition: PartitionQueue, batch: ProducerBatch, failure: unknown): void {
    if (batch.dropped) {
      partition.uncertain = true
      partition.remove(batch)
      return
    }
    if (failure !== undefined && !(isStreamsError(failure) && failure.action === 'retry')) {
      this.owner.fail(isStreamsError(failure) ? failure : defectError(failure), 'abortable')
      return
    }
    this.retryLater(partition, unanswered(failure))
    this.refresh(partition.topic)
  }

  private onAnswer(partition: PartitionQueue, batch: ProducerBatch, answer: PartitionAnswer): void {
    const { errorCode } = answer
    const verdict = produceVerdict(errorCode)
    if (batch.dropped) {
      if (verdict === 'acknowledged') partition.acknowledge(batch, answer.baseOffset)
      else {
        partition.uncertain = true
        partition.remove(batch)
      }
      return
    }
    switch (verdict) {
      case 'acknowledged':
        partition.acknowledge(batch, answer.baseOffset)
        if (this.options.onDelivered !== undefined) {
          partition.noteDelivered(batch, answer.baseOffset)
          this.reportDelivered(partition)
        }
        this.buffer.complete(batch)
        batch.free()
        return
      case 'retry-elsewhere':
        this.refresh(partition.topic)
        this.retryLater(partition, answeredWith(answer))
        return
      case 'retry':
        this.retryLater(partition, answeredWith(answer))
        return
      case 'retry-soon':
        this.retryLater(partition, answeredWith(answer), SOON_MS)
        return
      case 'sequence':
        if (partition.isFirst(batch)) batch.refusal = { kind: 'gap' }
        return
      case 'too-large':
      case 'refused':
        batch.refusal = {
          kind: verdict,
          error: refusedError(partition, batch, answer),
          recordIndexes: answer.recordErrors.map(({ batchIndex }) => batchIndex)
        }
        return
      case 'fenced':
        // Without a transactional id no other producer has this producer id: the broker's memory of it is off.
        if (this.options.transactionalId === undefined) batch.refusal = { kind: 'gap' }
        else this.owner.fail(fencedError(this.options.transactionalId, errorCode), 'broken')
        return
      case 'abort':
        this.owner.fail(unusableError(partition, errorCode), 'abortable')
        return
      case 'unauthorized':
        this.owner.fail(unauthorizedError(partition, errorCode), 'abortable')
        return
      case 'failed':
        this.owner.fail(refusedError(partition, batch, answer), 'abortable')
    }
  }

  /** Nothing of the partition is in flight: its sequences may be changed. */
  private settleRefusals(partition: PartitionQueue): void {
    for (let i = 0; i < partition.unresolved.length; i++) {
      const batch = partition.unresolved[i]!
      const { refusal } = batch
      if (refusal === undefined) continue
      if (refusal.kind === 'gap') {
        this.owner.onGap(partition)
        if (this.identity !== undefined && this.owner.sending) partition.rewrite(this.identity)
        return
      }
      if (batch.recordCount > 1 && refusal.recordIndexes.length === 0) {
        this.buffer.replace(batch, partition.split(batch, this.formatOf(partition)))
        i++
        continue
      }
      const all = refusal.recordIndexes.length === 0 || refusal.recordIndexes.length >= batch.recordCount
      const count = all ? batch.recordCount : refusal.recordIndexes.length
      if (!this.mayDrop(partition, count, refusal.error)) return
      const parts = partition.omit(batch, this.formatOf(partition), all ? [] : refusal.recordIndexes)
      this.buffer.replace(batch, parts)
      i += parts.length - 1
      this.reportDelivered(partition)
    }
  }

  private reportDelivered(partition: PartitionQueue): void {
    for (let next = partition.nextDelivered(); next !== undefined; next = partition.nextDelivered()) {
      try {
        this.options.onDelivered?.(partition.topic, partition.partition, next.baseOffset, next.recordCount)
      } catch (error) {
        this.logger.error('onDelivered threw', { error })
      }
    }
  }

  /** Asks the user's handler; without its consent the producer fails. */
  private mayDrop(partition: PartitionQueue, recordCount: number, error: StreamsError): boolean {
    let dropped: boolean | undefined
    try {
      dropped = this.options.onRejected?.(partition.topic, partition.partition, recordCount, error)
    } catch (cause) {
      this.logger.error('onRejected threw, the producer fails', { error: cause })
    }
    if (dropped !== true) this.owner.fail(error, 'abortable')
    return dropped === true
  }

  private retryLater(partition: PartitionQueue, setback: Setback, firstMs = this.options.retryBackoffMs): void {
    const nowMs = this.clock.monotonicMs()
    const backoffMs = Math.min(this.options.retryBackoffMaxMs, firstMs * 2 ** Math.min(partition.failures, 16))
    partition.failed(setback, nowMs)
    partition.retryAtMs = nowMs + backoffMs * (0.8 + 0.4 * this.random())
    this.wakeAt(partition.retryAtMs)
    this.tellOf(partition, setback, nowMs)
  }

  /** Until the delivery time-out nobody else would hear of it, and an application only stands still. */
  private tellOf({ topic, partition, failingSinceMs }: PartitionQueue, setback: Setback, nowMs: number): void {
    const failingMs = nowMs - failingSinceMs
    const { text, kafkaError } = setback
    const fields = {
      topic,
      partition,
      failingMs: Math.round(failingMs),
      ...(kafkaError === undefined ? {} : { kafkaError })
    }
    if (failingMs < WARN_AFTER_MS || nowMs - this.warnedMs < WARN_AGAIN_MS) {
      this.logger.debug('Records were not taken and are sent again.', { ...fields, error: text })
      return
    }
    this.warnedMs = nowMs
    this.logger.warn(
      `Records for topic '${topic}', partition ${partition} have not been taken for ${Math.round(failingMs / 1000)} s and are sent again; ` +
        `the last attempt: ${text}`,
      fields
    )
  }

  private onRefreshed(topic: string): void {
    if (this.cluster.cachedTopic(topic) !== undefined) {
      this.missing.delete(topic)
      return
    }
    const nowMs = this.clock.monotonicMs()
    let missing = this.missing.get(topic)
    // What was said long before says nothing of the time in between.
    if (missing === undefined || nowMs - missing.saidMs > MISSING_FORGOTTEN_MS) {
      missing = { sinceMs: nowMs, saidMs: nowMs }
      this.missing.set(topic, missing)
    } else missing.saidMs = nowMs
    const missingMs = nowMs - missing.sinceMs
    if (missingMs < MISSING_AFTER_MS || !this.owner.sending) return
    for (const partition of this.active) {
      if (partition.topic !== topic || !partition.unwrittenIn(this.sendEra, this.appendEra)) continue
      this.missing.delete(topic)
      this.owner.fail(topicMissingError(topic, Math.round(missingMs)), 'abortable')
      return
    }
  }

  private refresh(topic: string): void {
    if (this.refreshing.has(topic)) return
    this.refreshing.add(topic)
    this.cluster
      .refresh([topic])
      .then(() => this.onRefreshed(topic))
      .catch(error => this.logger.debug('metadata refresh failed', { topic, error }))
      .finally(() => {
        this.refreshing.delete(topic)
        this.wake()
      })
  }
}

function findAnswer(answer: ResponseOf<typeof Produce>, partition: PartitionQueue): PartitionAnswer | undefined {
  for (const topic of answer.responses) {
    if (topic.name !== partition.topic) continue
    for (const candidate of topic.partitionResponses) if (candidate.index === partition.partition) return candidate
  }
  return undefined
}
