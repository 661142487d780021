import { type BatchHeader, emptiedBatch, filterBatch } from '@millrace/protocol'
import type { AbortedTransactions } from './aborted-transactions.ts'
import type { LogConfig } from './log-config.ts'
import type { ProducerStates } from './producer-states.ts'
import { SegmentIndex } from './segment-index.ts'
import type { SegmentList } from './segment-list.ts'

export interface LogCompactorParts {
  readonly segments: SegmentList
  readonly aborted: AbortedTransactions
  readonly producers: ProducerStates
}

/** What one run goes by. */
interface Run {
  readonly config: LogConfig
  readonly nowMs: number
  readonly endOffset: number
  /** Of each key, the offset of its newest record. */
  readonly newest: ReadonlyMap<string, number>
  readonly producersLastOffsets: ReadonlySet<number>
  /** Producers with records that are kept of the transaction that the run is in. */
  readonly withRecords: Set<bigint>
}

/**
 * Keeps of each key the newest record, as Kafka's cleaner does. Offsets stay, aborted records go. What deletes (a
 * record without a value, a marker of a transaction of which no record is left) goes `delete.retention.ms` after it was
 * first seen here; a start of the broker begins that time anew.
 */
export class LogCompactor {
  readonly #parts: LogCompactorParts
  /** Below it, keys were compared. */
  #firstDirtyOffset = 0
  /** When batches with something that deletes were first seen, by base offset. */
  readonly #deletesSince = new Map<number, number>()

  constructor(parts: LogCompactorParts) {
    this.#parts = parts
  }

  /**
   * @param stableOffset - Nothing at or above it is looked at: it is not decided yet.
   * @param endOffset - Of the log.
   */
  run(config: LogConfig, nowMs: number, stableOffset: number, endOffset: number): void {
    const { segments, producers } = this.#parts
    const { active } = segments
    if (active.segment.sizeBytes > 0 && nowMs - active.firstTimestampMs > config.maxCompactionLagMs) {
      segments.roll(endOffset, nowMs)
    }
    const compactable = this.#compactable(config, nowMs, stableOffset)
    const last = compactable.at(-1)
    if (last === undefined || !this.#isWorthwhile(compactable, config, nowMs)) return
    const dirtyEnd = last.endOffset
    const run: Run = {
      config,
      nowMs,
      endOffset,
      newest: this.#newestOffsets(compactable),
      producersLastOffsets: producers.lastBatchOffsets(),
      withRecords: new Set()
    }
    let left = compactable.length
    for (let first = 0; left > 0; first++) {
      const count = groupSize(segments.indexes.slice(first, first + left), config.segmentBytes)
      this.#compactGroup(first, count, run)
      left -= count
    }
    this.#firstDirtyOffset = dirtyEnd
  }

  /** From the first segment on: not the one that is written to, nor undecided or young records. */
  #compactable(config: LogConfig, nowMs: number, stableOffset: number): SegmentIndex[] {
    const closed = this.#parts.segments.indexes.slice(0, -1)
    const end = closed.findIndex(({ endOffset, maxTimestampMs }) => {
      return endOffset > stableOffset || nowMs - maxTimestampMs < config.minCompactionLagMs
    })
    return end < 0 ? closed : closed.slice(0, end)
  }

  #isWorthwhile(indexes: readonly SegmentIndex[], config: LogConfig, nowMs: number): boolean {
    let dirtyBytes = 0
    let totalBytes = 0
    let dirtySinceMs = Infinity
    for (const { segment, endOffset, firstTimestampMs } of indexes) {
      totalBytes += segment.sizeBytes
      if (endOffset <= this.#firstDirtyOffset) continue
      dirtyBytes += segment.sizeBytes
      dirtySinceMs = Math.min(dirtySinceMs, firstTimestampMs)
    }
    for (const sinceMs of this.#deletesSince.values()) if (nowMs - sinceMs > config.deleteRetentionMs) return true
    if (dirtyBytes === 0) return false
    return dirtyBytes / totalBytes >= config.minCleanableDirtyRatio || nowMs - dirtySinceMs > config.maxCompactionLagMs
  }

  #newestOffsets(indexes: readonly SegmentIndex[]): Map<string, number> {
    const newest = new Map<string, number>()
    for (const index of indexes) {
      if (index.endOffset <= this.#firstDirtyOffset) continue
      for (const { position, header } of index.batches()) {
        if (header.control || header.recordCount === 0 || this.#isAborted(header)) continue
        filterBatch(index.segment.view(position, header.sizeBytes), ({ offset, buffer, keyStart, keyEnd }) => {
          if (keyEnd >= 0) newest.set(buffer.toString('latin1', keyStart, keyEnd), offset)
          return true
        })
      }
    }
    return newest
  }

  #compactGroup(first: number, count: number, run: Run): void {
    const { indexes, storage } = this.#parts.segments
    const kept: Buffer[] = []
    let changed = count > 1
    for (const index of indexes.slice(first, first + count)) {
      for (const { position, header } of index.batches()) {
        // What is kept outlives the view, and the segment that it is a view of.
        const batch = Buffer.from(index.segment.view(position, header.sizeBytes))
        const after = header.control ? this.#markerAfter(batch, header, run) : this.#recordsAfter(batch, header, run)
        if (after !== batch) changed = true
        if (after === undefined) this.#deletesSince.delete(header.baseOffset)
        else kept.push(after)
      }
    }
    if (!changed) return
    const compacted = new SegmentIndex(storage.replace(first, count, kept))
    for (const { position, header } of compacted.batches()) compacted.add(position, header)
    indexes.splice(first, count, compacted)
  }

  #recordsAfter(batch: Buffer, header: BatchHeader, run: Run): Buffer | undefined {
    // Without its records a batch stays for a producer's sequence, and so that readers reach the end of the log.
    const mustStay = run.producersLastOffsets.has(header.lastOffset) || header.lastOffset === run.endOffset - 1
    if (header.recordCount === 0) return mustStay ? batch : undefined
    const after = this.#isAborted(header) ? undefined : this.#filtered(batch, header, run)
    if (after !== undefined && header.transactional) run.withRecords.add(header.producerId)
    return after ?? (mustStay ? emptiedBatch(batch) : undefined)
  }

  #filtered(batch: Buffer, header: BatchHeader, run: Run): Buffer | undefined {
    const deletesGo = this.#deletesAreDue(header, run)
    let deletes = false
    const after = filterBatch(batch, ({ offset, buffer, keyStart, keyEnd, hasValue }) => {
      if (keyEnd < 0 || offset < (run.newest.get(buffer.toString('latin1', keyStart, keyEnd)) ?? -1)) return false
      if (hasValue) return true
      deletes = true
      return !deletesGo
    })
    if (deletes) this.#noteDeletes(header, run)
    return after
  }

  /** A marker stays with the records of its transaction, and goes together with what readers are told of it. */
  #markerAfter(batch: Buffer, header: BatchHeader, run: Run): Buffer | undefined {
    if (run.withRecords.delete(header.producerId) || header.lastOffset === run.endOffset - 1) return batch
    this.#noteDeletes(header, run)
    if (!this.#deletesAreDue(header, run)) return batch
    this.#parts.aborted.forget(header.producerId, header.lastOffset)
    return undefined
  }

  #noteDeletes({ baseOffset }: BatchHeader, { nowMs }: Run): void {
    if (!this.#deletesSince.has(baseOffset)) this.#deletesSince.set(baseOffset, nowMs)
  }

  #deletesAreDue({ baseOffset }: BatchHeader, { config, nowMs }: Run): boolean {
    const sinceMs = this.#deletesSince.get(baseOffset)
    return sinceMs !== undefined && nowMs - sinceMs > config.deleteRetentionMs
  }

  #isAborted({ transactional, producerId, baseOffset }: BatchHeader): boolean {
    return transactional && this.#parts.aborted.has(producerId, baseOffset)
  }
}

/** How many segments from the first on fit into one. */
function groupSize(indexes: readonly SegmentIndex[], segmentBytes: number): number {
  let sizeBytes = 0
  for (const [i, { segment }] of indexes.entries()) {
    sizeBytes += segment.sizeBytes
    if (i > 0 && sizeBytes > segmentBytes) return i
  }
  return indexes.length
}
