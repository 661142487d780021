import {
  type BatchHeader,
  buildTransactionMarker,
  placeBatch,
  RecordBatchCursor,
  readBatchHeader
} from '@millrace/protocol'
import type { Clock } from '@millrace/streams/ports'
import { ErrorCode } from '../error-code.ts'
import { type LogStorage, type Segment, StorageError } from '../storage/log-storage.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import { checkBatches, type RefusedRecord } from './check-batches.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { LogCompactor } from './log-compactor.ts'
import type { LogConfig } from './log-config.ts'
import { type ProducerDescription, ProducerStates } from './producer-states.ts'
import type { SegmentIndex } from './segment-index.ts'
import { type OffsetAtTime, SegmentList } from './segment-list.ts'

export interface PartitionLogParts {
  readonly storage: LogStorage
  readonly clock: Clock
  /** Asked at each use, so that a change of the topic's settings works at once. */
  readonly config: () => LogConfig
  /** Epoch in which this broker leads the partition. */
  readonly leaderEpoch: number
  readonly producerIdExpirationMs: number
  /** Records below were deleted on request; told to whoever opens the log again. */
  readonly startOffset?: number
}

export interface AppendOutcome {
  readonly errorCode: number
  readonly errorMessage: string | null
  /** -1 with an error. */
  readonly baseOffset: number
  /** -1 unless the topic stamps records with the time of the append, or the batch was there already. */
  readonly logAppendTimeMs: number
  /** Records for which the batch was refused, where it is not for all of it. */
  readonly refusedRecords?: readonly RefusedRecord[]
}

export interface ReadOutcome {
  /** Whole batches but perhaps the last, from the one that holds the offset on; in pieces. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  /** Of transactions whose records may be among these; null when everything was asked for. */
  readonly abortedTransactions: { producerId: bigint; firstOffset: number }[] | null
}

export type Isolation = 'read_uncommitted' | 'read_committed'

const NOTHING: readonly Buffer[] = []

/**
 * The log of one partition: batches, opaque but for their headers, and what is known of them. It has one replica, so
 * that a batch is committed as soon as it is appended: high watermark and log end are the same.
 *
 * Everything happens within the call. `onChange` listeners run at its end.
 */
export class PartitionLog {
  readonly leaderEpoch: number
  readonly #segments: SegmentList
  readonly #compactor: LogCompactor
  readonly #clock: Clock
  readonly #config: () => LogConfig
  readonly #producerIdExpirationMs: number
  readonly #producers = new ProducerStates()
  readonly #aborted = new AbortedTransactions()
  readonly #epochs = new LeaderEpochs()
  readonly #listeners = new Set<() => void>()
  #startOffset: number
  #endOffset: number
  #closed = false

  /** Reads what the storage holds. */
  constructor(parts: PartitionLogParts) {
    const { storage, clock } = parts
    this.#segments = new SegmentList(storage)
    this.#compactor = new LogCompactor({
      segments: this.#segments,
      aborted: this.#aborted,
      producers: this.#producers
    })
    this.#clock = clock
    this.#config = parts.config
    this.leaderEpoch = parts.leaderEpoch
    this.#producerIdExpirationMs = parts.producerIdExpirationMs
    const asked = parts.startOffset ?? 0
    if (storage.segments.length === 0) storage.roll(asked, clock.nowMs())
    const first = storage.segments[0] as Segment
    this.#startOffset = Math.max(first.baseOffset, asked)
    this.#endOffset = first.baseOffset
    for (const segment of storage.segments) this.#load(segment)
    // All that is there was deleted on request, and the request is remembered better than the records.
    if (this.#startOffset > this.#endOffset) {
      this.#segments.restartAt(this.#startOffset, clock.nowMs())
      this.#endOffset = this.#startOffset
    }
    this.#epochs.note(this.leaderEpoch, this.#endOffset)
    this.#forgetBelowStart()
  }

  /** First offset that is left. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#endOffset
  }

  get highWatermark(): number {
    return this.#endOffset
  }

  /** Below it every transaction is decided. */
  get lastStableOffset(): number {
    const undecided = this.#producers.firstUndecided ?? this.#endOffset
    return Math.max(undecided, this.#startOffset)
  }

  /** Of the batches that are kept. */
  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }

  get segmentCount(): number {
    return this.#segments.indexes.length
  }

  /** Where a reader of this isolation may read up to. */
  endFor(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.#endOffset
  }

  /** Calls back after each append, marker and deletion. Returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Appends what a client produced. Nothing is appended if anything is wrong with it; a batch of an idempotent producer
   * that is there already gets the offset that it has.
   *
   * @param records - Exactly one batch, as Kafka demands since Produce version 3. Changed in place.
   */
  append(records: Buffer): AppendOutcome {
    const config = this.#config()
    const nowMs = this.#clock.nowMs()
    const wrong = checkBatches(records, config, nowMs)
    if (wrong !== undefined) return { ...refused(wrong.errorCode, wrong.message), refusedRecords: wrong.records ?? [] }
    const given = readBatchHeader(records, 0)
    const idempotent = given.producerId >= 0n
    if (idempotent) {
      const verdict = this.#producers.judge(given)
      if (verdict.kind === 'refuse') return refused(verdict.errorCode, verdict.message)
      // A duplicate is told the time of the batch that is there, whatever the topic says of timestamps.
      if (verdict.kind === 'duplicate') return appendedAt(verdict.batch.baseOffset, verdict.batch.timestampMs)
    }
    const appendTimeMs = config.logAppendTime ? nowMs : undefined
    placeBatch(records, { baseOffset: this.#endOffset, leaderEpoch: this.leaderEpoch, appendTimeMs })
    const header = readBatchHeader(records, 0)
    try {
      this.#write(records, header, nowMs)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return refused(ErrorCode.KAFKA_STORAGE_ERROR, error.message)
    }
    if (idempotent) this.#producers.appended(header, nowMs)
    this.#changed()
    return appendedAt(header.baseOffset, config.logAppendTime ? nowMs : -1)
  }

  /**
   * Writes the marker that ends a transaction of `producerId` in this partition, also when it has no record here.
   *
   * @returns NONE, or INVALID_PRODUCER_EPOCH when a later epoch has written here already.
   */
  appendControl(producerId: bigint, producerEpoch: number, type: 'abort' | 'commit', coordinatorEpoch = 0): number {
    if (!this.#producers.acceptsMarker(producerId, producerEpoch)) return ErrorCode.INVALID_PRODUCER_EPOCH
    const nowMs = this.#clock.nowMs()
    const batch = buildTransactionMarker({
      baseOffset: this.#endOffset,
      leaderEpoch: this.leaderEpoch,
      timestampMs: nowMs,
      producerId,
      producerEpoch,
      type,
      coordinatorEpoch
    })
    const header = readBatchHeader(batch, 0)
    this.#write(batch, header, nowMs)
    this.#markerAppended(header, { type, coordinatorEpoch }, nowMs)
    this.#changed()
    return ErrorCode.NONE
  }

  /**
   * Reads from the batch that holds `offset` on, within one segment.
   *
   * @param offset - Between `startOffset` and `endOffset`, both inclusive.
   * @param maxBytes - The last batch is cut off there.
   * @param wholeFirst - Whether the first batch is given even if it alone is larger; otherwise nothing is then given.
   */
  read(offset: number, maxBytes: number, isolation: Isolation, wholeFirst: boolean): ReadOutcome {
    const committed = isolation === 'read_committed'
    const end = this.endFor(isolation)
    const place = offset >= end ? undefined : this.#segments.find(offset)
    if (place === undefined || place.header.baseOffset >= end) {
      return { records: NOTHING, sizeBytes: 0, abortedTransactions: committed ? [] : null }
    }
    const { index, position, header } = place
    const limit = Math.max(maxBytes, wholeFirst ? header.sizeBytes : 0)
    if (limit < header.sizeBytes) {
      return { records: NOTHING, sizeBytes: 0, abortedTransactions: committed ? [] : null }
    }
    const available = index.positionOf(end) - position
    const sizeBytes = Math.min(limit, available)
    const records = index.segment.read(position, sizeBytes)
    const upTo = Math.min(index.endOffset, end)
    return { records, sizeBytes, abortedTransactions: committed ? this.#aborted.within(offset, upTo) : null }
  }

  /** Bytes that `read` could give from `offset` on, were there no limit: what `minBytes` of a Fetch is held against. */
  availableBytes(offset: number, isolation: Isolation): number {
    return this.#segments.bytesBetween(offset, this.endFor(isolation))
  }

  /** The first record at `timestampMs` or later; undefined if there is none. */
  findTimestamp(timestampMs: number): OffsetAtTime | undefined {
    return this.#segments.findTimestamp(timestampMs, this.#startOffset)
  }

  /**
   * The first record with the highest timestamp of all; undefined in an empty log. As in Kafka it may lie below the
   * start, as long as its segment is there.
   */
  findMaxTimestamp(): OffsetAtTime | undefined {
    const highest = this.#segments.maxTimestampMs
    return highest < 0 ? undefined : this.#segments.findTimestamp(highest, 0)
  }

  /** The epoch that a record at `offset`, or the next one, has. */
  epochAt(offset: number): number {
    return offset >= this.#endOffset ? this.leaderEpoch : this.#epochs.at(offset)
  }

  /** See OffsetForLeaderEpoch. */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#epochs.endOf(epoch, this.leaderEpoch, this.#endOffset)
  }

  /** The producers that are remembered. */
  producers(): ProducerDescription[] {
    return this.#producers.describe()
  }

  /** Deletes what lies below `offset`, which is at most the high watermark. A start never moves back. */
  deleteBelow(offset: number): void {
    if (offset <= this.#startOffset) return
    this.#startOffset = offset
    this.#forgetBelowStart()
    try {
      this.#segments.dropBelow(offset, this.#clock.nowMs())
    } finally {
      this.#changed()
    }
  }

  /**
   * Deletes old segments as the topic's retention says. The segment that is being written to goes when it is all old.
   */
  applyRetention(): void {
    const config = this.#config()
    const nowMs = this.#clock.nowMs()
    this.#producers.expire(nowMs - this.#producerIdExpirationMs)
    if (!config.deletes) return
    let excessBytes = config.retentionBytes < 0 ? 0 : this.sizeBytes - config.retentionBytes
    let count = 0
    for (const { segment, maxTimestampMs, endOffset } of this.#segments.indexes) {
      // Records may have no timestamps.
      const newestMs = maxTimestampMs < 0 ? segment.createdMs : maxTimestampMs
      const expired = config.retentionMs >= 0 && segment.sizeBytes > 0 && nowMs - newestMs > config.retentionMs
      const excess = config.retentionBytes >= 0 && segment.sizeBytes > 0 && excessBytes >= segment.sizeBytes
      if (!(expired || excess) || endOffset > this.highWatermark) break
      excessBytes -= segment.sizeBytes
      count++
    }
    if (count === 0) return
    const start = (this.#segments.indexes[count - 1] as SegmentIndex).endOffset
    // It may have been deleted already, with segments left for which there was no room to begin the next one.
    if (start <= this.#startOffset) this.#segments.dropBelow(this.#startOffset, nowMs)
    else this.deleteBelow(start)
  }

  /** Keeps of each key the newest record, if the topic says so and enough of the log was never compacted. */
  compact(): void {
    const config = this.#config()
    if (config.compacts) this.#compactor.run(config, this.#clock.nowMs(), this.lastStableOffset, this.#endOffset)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#segments.storage.close()
    this.#changed()
    this.#listeners.clear()
  }

  get closed(): boolean {
    return this.#closed
  }

  #write(batch: Buffer, header: BatchHeader, nowMs: number): void {
    this.#segments.append(batch, header, this.#config(), nowMs)
    this.#epochs.note(header.leaderEpoch, header.baseOffset)
    this.#endOffset = header.lastOffset + 1
  }

  #markerAppended(header: BatchHeader, { type, coordinatorEpoch }: Marker, nowMs: number): void {
    const { producerId, producerEpoch, maxTimestampMs } = header
    const start = this.#producers.ended(producerId, producerEpoch, maxTimestampMs, coordinatorEpoch, nowMs)
    if (start === undefined || type === 'commit') return
    this.#aborted.add({
      producerId: header.producerId,
      firstOffset: start,
      lastOffset: header.lastOffset,
      lastStableOffset: this.lastStableOffset
    })
  }

  /** Learns what a segment holds. Torn ends were cut off by the storage. */
  #load(segment: Segment): void {
    const nowMs = this.#clock.nowMs()
    this.#segments.load(segment, (header, position) => {
      this.#epochs.note(header.leaderEpoch, header.baseOffset)
      this.#endOffset = header.lastOffset + 1
      if (header.producerId < 0n) return
      if (!header.control) return this.#producers.appended(header, nowMs)
      this.#markerAppended(header, readMarker(segment.view(position, header.sizeBytes), header), nowMs)
    })
  }

  #forgetBelowStart(): void {
    this.#aborted.forgetBelow(this.#startOffset)
    this.#epochs.forgetBelow(this.#startOffset)
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

interface Marker {
  readonly type: 'abort' | 'commit'
  readonly coordinatorEpoch: number
}

/** Compaction leaves nothing but the header of some. */
function readMarker(batch: Buffer, header: BatchHeader): Marker {
  const cursor = new RecordBatchCursor({ checkCrc: false, controlRecords: true })
  cursor.reset(batch, header.baseOffset)
  if (!cursor.next()) return { type: 'commit', coordinatorEpoch: -1 }
  const coordinatorEpoch = cursor.buffer.readInt32BE(cursor.valueStart + 2)
  return { type: cursor.controlType === 'abort' ? 'abort' : 'commit', coordinatorEpoch }
}

function refused(errorCode: number, errorMessage: string): AppendOutcome {
  return { errorCode, errorMessage, baseOffset: -1, logAppendTimeMs: -1 }
}

function appendedAt(baseOffset: number, logAppendTimeMs: number): AppendOutcome {
  return { errorCode: ErrorCode.NONE, errorMessage: null, baseOffset, logAppendTimeMs }
}
