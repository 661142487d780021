import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader } from '@millrace/protocol'
import type { Segment } from '../storage/log-storage.ts'

/** One entry for about so many bytes, as in Kafka [index.interval.bytes]; the rest is found by walking over headers. */
const INTERVAL_BYTES = 4096

/** Where a batch stands in a segment. */
export interface BatchPosition {
  readonly position: number
  readonly header: BatchHeader
}

/** Finds batches of one segment by offset and by timestamp. Kept in memory; a start reads it off the segment anew. */
export class SegmentIndex {
  readonly segment: Segment
  /** Offset behind the last batch. */
  endOffset: number
  /** Highest timestamp of all batches; -1 without any. */
  maxTimestampMs = -1
  /** When the first batch came in; for `segment.ms`. */
  firstTimestampMs = -1
  readonly #offsets: number[] = []
  readonly #positions: number[] = []
  /** Highest timestamp before the entry's position. */
  readonly #timestampsBefore: number[] = []
  #nextEntryAt = 0

  constructor(segment: Segment) {
    this.segment = segment
    this.endOffset = segment.baseOffset
  }

  /** Takes note of a batch that begins at `position`. */
  add(position: number, header: BatchHeader): void {
    if (position >= this.#nextEntryAt) {
      this.#offsets.push(header.baseOffset)
      this.#positions.push(position)
      this.#timestampsBefore.push(this.maxTimestampMs)
      this.#nextEntryAt = position + INTERVAL_BYTES
    }
    if (this.firstTimestampMs < 0) this.firstTimestampMs = header.maxTimestampMs
    if (header.maxTimestampMs > this.maxTimestampMs) this.maxTimestampMs = header.maxTimestampMs
    this.endOffset = header.lastOffset + 1
  }

  /** The first batch that ends at `offset` or behind it. */
  find(offset: number): BatchPosition | undefined {
    let low = 0
    let high = this.#offsets.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#offsets[middle] as number) <= offset) low = middle
      else high = middle - 1
    }
    return this.#walk(this.#positions[low] ?? 0, header => header.lastOffset >= offset)
  }

  /** Position of the first batch that begins at `offset` or behind it; the segment's size if there is none. */
  positionOf(offset: number): number {
    if (offset >= this.endOffset) return this.segment.sizeBytes
    const found = this.find(offset)
    if (found === undefined) return this.segment.sizeBytes
    return found.header.baseOffset >= offset ? found.position : found.position + found.header.sizeBytes
  }

  /** The first batch with a record at `timestampMs` or later. */
  findTimestamp(timestampMs: number): BatchPosition | undefined {
    if (this.maxTimestampMs < timestampMs) return undefined
    let low = 0
    let high = this.#timestampsBefore.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#timestampsBefore[middle] as number) < timestampMs) low = middle
      else high = middle - 1
    }
    return this.#walk(this.#positions[low] ?? 0, header => header.maxTimestampMs >= timestampMs)
  }

  /** All batches in their order. */
  *batches(): Generator<BatchPosition> {
    let position = 0
    while (position < this.segment.sizeBytes) {
      const header = this.headerAt(position)
      yield { position, header }
      position += header.sizeBytes
    }
  }

  headerAt(position: number): BatchHeader {
    return readBatchHeader(this.segment.view(position, BATCH_HEADER_BYTES), 0)
  }

  #walk(from: number, wanted: (header: BatchHeader) => boolean): BatchPosition | undefined {
    let position = from
    while (position < this.segment.sizeBytes) {
      const header = this.headerAt(position)
      if (wanted(header)) return { position, header }
      position += header.sizeBytes
    }
    return undefined
  }
}
