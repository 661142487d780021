import { type BatchHeader, RecordBatchCursor } from '@millrace/protocol'
import type { LogStorage, Segment } from '../storage/log-storage.ts'
import type { LogConfig } from './log-config.ts'
import { type BatchPosition, SegmentIndex } from './segment-index.ts'

export interface OffsetAtTime {
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

/** Where a batch stands in a log. */
export interface BatchPlace extends BatchPosition {
  readonly index: SegmentIndex
}

/**
 * The segments of one log, each with its index, in the order of their offsets. There is always one to write to, the
 * last.
 */
export class SegmentList {
  readonly storage: LogStorage
  readonly indexes: SegmentIndex[] = []

  constructor(storage: LogStorage) {
    this.storage = storage
  }

  /** The segment that is written to. */
  get active(): SegmentIndex {
    return this.indexes.at(-1) as SegmentIndex
  }

  get sizeBytes(): number {
    let sizeBytes = 0
    for (const { segment } of this.indexes) sizeBytes += segment.sizeBytes
    return sizeBytes
  }

  /** Takes a segment of the storage in; its batches are shown one by one. */
  load(segment: Segment, show: (header: BatchHeader, position: number) => void): void {
    const index = new SegmentIndex(segment)
    this.indexes.push(index)
    for (const { position, header } of index.batches()) {
      index.add(position, header)
      show(header, position)
    }
  }

  /** Writes a batch to the end, in a new segment where the settings ask for one. */
  append(batch: Buffer, header: BatchHeader, config: LogConfig, nowMs: number): void {
    const { segment, firstTimestampMs } = this.active
    const ageMs = firstTimestampMs < 0 ? nowMs - segment.createdMs : header.maxTimestampMs - firstTimestampMs
    const full = segment.sizeBytes + batch.length > Math.min(config.segmentBytes, this.storage.maxSegmentBytes)
    if (segment.sizeBytes > 0 && (full || ageMs > config.segmentMs)) this.roll(header.baseOffset, nowMs)
    const { active } = this
    const position = active.segment.sizeBytes
    active.segment.append(batch)
    active.add(position, header)
  }

  roll(baseOffset: number, nowMs: number): void {
    this.indexes.push(new SegmentIndex(this.storage.roll(baseOffset, nowMs)))
  }

  /** Begins anew, without any batch. */
  restartAt(baseOffset: number, nowMs: number): void {
    this.indexes.splice(0, this.indexes.length, new SegmentIndex(this.storage.restart(baseOffset, nowMs)))
  }

  /** Drops segments of which every offset lies below. */
  dropBelow(offset: number, nowMs: number): void {
    this.#dropClosedBelow(offset)
    const { active } = this
    if (active.segment.sizeBytes === 0 || active.endOffset > offset) return
    // After the others, which may have made the room for it.
    this.roll(active.endOffset, nowMs)
    this.#dropClosedBelow(offset)
  }

  #dropClosedBelow(offset: number): void {
    let count = 0
    while (count < this.indexes.length - 1 && (this.indexes[count] as SegmentIndex).endOffset <= offset) count++
    if (count === 0) return
    this.storage.dropOldest(count)
    this.indexes.splice(0, count)
  }

  /** The first batch that ends at `offset` or behind it. */
  find(offset: number): BatchPlace | undefined {
    for (let i = this.#segmentOf(offset); i < this.indexes.length; i++) {
      const index = this.indexes[i] as SegmentIndex
      const found = index.find(offset)
      if (found !== undefined) return { index, ...found }
    }
    return undefined
  }

  /** Bytes from the batch that holds `offset` up to the offset `end`. */
  bytesBetween(offset: number, end: number): number {
    const place = offset >= end ? undefined : this.find(offset)
    if (place === undefined || place.header.baseOffset >= end) return 0
    let sizeBytes = place.index.positionOf(end) - place.position
    for (let i = this.indexes.indexOf(place.index) + 1; i < this.indexes.length; i++) {
      const index = this.indexes[i] as SegmentIndex
      if (index.segment.baseOffset >= end) break
      sizeBytes += index.positionOf(end)
    }
    return sizeBytes
  }

  /** The first record from `startOffset` on that has this timestamp or a later one. */
  findTimestamp(timestampMs: number, startOffset: number): OffsetAtTime | undefined {
    for (const index of this.indexes) {
      if (index.endOffset <= startOffset) continue
      let place = index.findTimestamp(timestampMs)
      while (place !== undefined) {
        const record = firstRecordSince(index, place, timestampMs, startOffset)
        if (record !== undefined) return record
        // The record that had the time may lie below the start.
        const next = place.position + place.header.sizeBytes
        place = next < index.segment.sizeBytes ? { position: next, header: index.headerAt(next) } : undefined
      }
    }
    return undefined
  }

  /** The highest timestamp of all; -1 without any. */
  get maxTimestampMs(): number {
    let highest = -1
    for (const { maxTimestampMs } of this.indexes) highest = Math.max(highest, maxTimestampMs)
    return highest
  }

  /** Number of the last segment that begins at `offset` or below. */
  #segmentOf(offset: number): number {
    let low = 0
    let high = this.indexes.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.indexes[middle] as SegmentIndex).segment.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}

function firstRecordSince(
  index: SegmentIndex,
  { position, header }: BatchPosition,
  timestampMs: number,
  startOffset: number
): OffsetAtTime | undefined {
  if (header.maxTimestampMs < timestampMs) return undefined
  const cursor = new RecordBatchCursor({ checkCrc: false, controlRecords: true })
  cursor.reset(index.segment.view(position, header.sizeBytes), startOffset)
  while (cursor.next()) {
    if (cursor.timestampMs < timestampMs) continue
    return { offset: cursor.offset, timestampMs: cursor.timestampMs, leaderEpoch: header.leaderEpoch }
  }
  return undefined
}
