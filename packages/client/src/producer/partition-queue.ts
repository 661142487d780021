import { RecordBatchBuilder } from '@millrace/protocol'
import {
  type BatchFormat,
  closeBatch,
  type ProducerBatch,
  type ProducerIdentity,
  sequenceAfter,
  splitBatch,
  withoutRecords
} from './producer-batch.ts'
import type { Setback } from './setback.ts'

/**
 * A broker remembers the last five batches of a producer in a partition, and recognises a repetition of these only. So nothing is
 * sent that is five or more behind the oldest unresolved batch, even when all between them were acknowledged.
 */
const REMEMBERED_BATCHES = 5

/**
 * The batches of one partition, in order: `unresolved` ones, which have sequences and await an answer or another attempt, then
 * `waiting` ones, then the open one.
 *
 * Rules that keep order and sequences right:
 * - A sequence is given when a batch is first sent, never before.
 * - While a batch waits for another attempt, nothing behind it is sent; what is in flight behind it comes back first.
 * - A refusal (split, dropped records, gap) is settled when nothing is in flight; only then may sequences be changed.
 * - Until a first batch was acknowledged under an identity one batch is in flight: a broker without a memory of this producer may take
 *   any sequence for the first, so a second batch could overtake a lost one.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly waiting: ProducerBatch[] = []
  readonly unresolved: ProducerBatch[] = []
  /** Acknowledged ones, kept in order until those before them are. Used only where somebody wants to know. */
  readonly delivered: { readonly number: number; readonly baseOffset: number; readonly recordCount: number }[] = []
  readonly builder = new RecordBatchBuilder(1024)
  /** When the open batch got its first record. */
  openedMs = 0
  /** The open batch may leave although it is not full. */
  openDue = false
  inFlight = 0
  /** The identity that `nextSequence` belongs to. */
  identity: ProducerIdentity | undefined
  nextSequence = 0
  nextNumber = 0
  /** Whether the broker knows this producer in this partition, so that it will notice a gap. */
  established = false
  /** Attempts that failed in a row; waits grow with them. */
  failures = 0
  /** When the first of them failed. */
  failingSinceMs = 0
  /** Why the last of them did. */
  setback: Setback | undefined
  retryAtMs = 0
  /** The offset after the last acknowledged record; -1 before the first. */
  endOffset = -1
  /** The transaction to which the partition was to be added last, and the one to which it was. */
  askedEra = -1
  addedEra = -1
  /** Sequences may be used up or not by batches that were dropped unanswered: the identity must not be used further. */
  uncertain = false

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get idle(): boolean {
    return this.builder.count === 0 && this.waiting.length === 0 && this.unresolved.length === 0
  }

  /** Whether it has records that are neither acknowledged nor dropped. */
  get unwritten(): boolean {
    return this.builder.count > 0 || this.waiting.length > 0 || this.unresolved.some(({ dropped }) => !dropped)
  }

  /** Whether some of that is due in `era`. */
  unwrittenIn(era: number, openEra: number): boolean {
    return (
      this.unresolved.some(({ dropped }) => !dropped) ||
      this.waiting[0]?.era === era ||
      (this.builder.count > 0 && era === openEra)
    )
  }

  closeOpen(format: BatchFormat, era: number, ordinal: number): ProducerBatch | undefined {
    if (this.builder.count === 0) return undefined
    const batch = closeBatch(this.builder, format, { era, ordinal, createdMs: this.openedMs })
    this.openDue = false
    this.waiting.push(batch)
    return batch
  }

  /** The batch that may be sent now. One without a sequence gets it by `send`. */
  next(era: number, identity: ProducerIdentity): ProducerBatch | undefined {
    if (!this.established && this.inFlight > 0) return undefined
    const { unresolved } = this
    for (let i = 0; i < unresolved.length; i++) {
      const batch = unresolved[i]!
      if (batch.inFlight) continue
      if (batch.refusal !== undefined) return undefined
      for (let j = i + 1; j < unresolved.length; j++) if (unresolved[j]!.inFlight) return undefined
      return batch.number - unresolved[0]!.number < REMEMBERED_BATCHES ? batch : undefined
    }
    if (this.windowFull) return undefined
    if (unresolved.length > 0 && this.identity !== identity) return undefined
    const head = this.waiting[0]
    return head !== undefined && head.era === era ? head : undefined
  }

  /** Whether `next` would take the open batch if it were closed. */
  wantsOpen(era: number, openEra: number, identity: ProducerIdentity): boolean {
    return (
      era === openEra &&
      this.builder.count > 0 &&
      this.waiting.length === 0 &&
      this.inFlight === this.unresolved.length &&
      (this.inFlight === 0 || (this.established && !this.windowFull && this.identity === identity))
    )
  }

  /** `batch` is what `next` returned. */
  send(batch: ProducerBatch, identity: ProducerIdentity): void {
    if (batch.baseSequence < 0) {
      if (this.identity !== identity) this.startOver(identity)
      this.waiting.shift()
      this.unresolved.push(batch)
      batch.stamp(identity, this.nextSequence)
      batch.number = this.nextNumber++
      this.nextSequence = batch.endSequence
    }
    batch.inFlight = true
    this.inFlight++
  }

  answered(batch: ProducerBatch): void {
    batch.inFlight = false
    this.inFlight--
  }

  /** @param baseOffset - -1 when the broker knows that it has the batch, but no longer where. */
  acknowledge(batch: ProducerBatch, baseOffset: number): void {
    this.remove(batch)
    this.established = true
    this.failures = 0
    this.setback = undefined
    if (baseOffset >= 0) this.endOffset = Math.max(this.endOffset, baseOffset + batch.recordCount)
  }

  /** Remembers an acknowledged batch for `nextDelivered`. */
  noteDelivered({ number, recordCount }: ProducerBatch, baseOffset: number): void {
    const { delivered } = this
    let index = delivered.length
    while (index > 0 && delivered[index - 1]!.number > number) index--
    delivered.splice(index, 0, { number, baseOffset, recordCount })
  }

  /** Takes the next acknowledged batch, unless one before it is not yet acknowledged. */
  nextDelivered(): { readonly baseOffset: number; readonly recordCount: number } | undefined {
    const [head] = this.delivered
    const oldest = this.unresolved[0]
    if (head === undefined || (oldest !== undefined && oldest.number < head.number)) return undefined
    return this.delivered.shift()
  }

  /** Whether everything before `batch` has been acknowledged, so that the broker cannot miss anything before it. */
  isFirst(batch: ProducerBatch): boolean {
    return this.unresolved[0] === batch
  }

  /** Gives all unresolved batches sequences from 0 on, under another identity. */
  rewrite(identity: ProducerIdentity): void {
    this.startOver(identity)
    for (const batch of this.unresolved) {
      batch.refusal = undefined
      batch.stamp(identity, this.nextSequence)
      this.nextSequence = batch.endSequence
    }
  }

  /**
   * Replaces a batch that the broker refused by two halves, which together use its sequences.
   *
   * @returns The halves; `batch` itself is gone.
   */
  split(batch: ProducerBatch, format: BatchFormat): ProducerBatch[] {
    return this.replace(batch, splitBatch(batch, format))
  }

  /** Takes records, or the whole batch, out of a batch that the broker refused; later sequences move up. */
  omit(batch: ProducerBatch, format: BatchFormat, recordIndexes: readonly number[]): ProducerBatch[] {
    return this.replace(batch, recordIndexes.length === 0 ? [] : withoutRecords(batch, format, recordIndexes))
  }

  /** Forgets everything that is not in flight; what is in flight is forgotten when it is answered. */
  drop(): ProducerBatch[] {
    const dropped = [...this.waiting]
    this.waiting.length = 0
    this.builder.reset()
    this.openDue = false
    for (const batch of [...this.unresolved]) {
      // Still on its way since it was dropped before.
      if (batch.dropped) continue
      dropped.push(batch)
      batch.dropped = true
      if (batch.inFlight) continue
      this.uncertain = true
      this.remove(batch)
    }
    this.failures = 0
    this.setback = undefined
    this.retryAtMs = 0
    return dropped
  }

  failed(setback: Setback, nowMs: number): void {
    if (this.failures++ === 0) this.failingSinceMs = nowMs
    this.setback = setback
  }

  /** What waits was held back until now. */
  restartTime(nowMs: number): void {
    for (const batch of this.waiting) batch.createdMs = nowMs
    this.openedMs = nowMs
  }

  remove(batch: ProducerBatch): void {
    const index = this.unresolved.indexOf(batch)
    if (index >= 0) this.unresolved.splice(index, 1)
  }

  private get windowFull(): boolean {
    const oldest = this.unresolved[0]
    return oldest !== undefined && this.nextNumber - oldest.number >= REMEMBERED_BATCHES
  }

  private startOver(identity: ProducerIdentity): void {
    this.identity = identity
    this.nextSequence = 0
    this.established = identity.firstSequenceChecked
    this.uncertain = false
  }

  private replace(batch: ProducerBatch, parts: ProducerBatch[]): ProducerBatch[] {
    const { unresolved } = this
    const index = unresolved.indexOf(batch)
    unresolved.splice(index, 1, ...parts)
    let sequence = batch.baseSequence
    this.nextNumber = batch.number
    for (let i = index; i < unresolved.length; i++) {
      const later = unresolved[i]!
      later.number = this.nextNumber++
      if (later.baseSequence !== sequence) later.stamp(this.identity!, sequence)
      sequence = sequenceAfter(sequence, later.recordCount)
    }
    this.nextSequence = sequence
    return parts
  }
}
