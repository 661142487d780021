import type { StateJournal } from './state-journal.ts'

/** Bytes of whole record batches, one after the other; only ever appended to. All calls return when they are done. */
export interface Segment {
  /** Offset of the first batch, or a lower one. Names the segment within its log. */
  readonly baseOffset: number
  readonly sizeBytes: number
  /** When it was begun, for `segment.ms`. */
  readonly createdMs: number
  /** Copies `batch` to the end. */
  append(batch: Uint8Array): void
  /** Exactly these bytes as one view, valid until the next call; a batch's header never lies in two pieces. */
  view(position: number, length: number): Buffer
  /** These bytes, or those up to the end, in pieces that stay as they are. */
  read(position: number, length: number): readonly Buffer[]
  /** Drops what lies behind. */
  truncate(sizeBytes: number): void
}

/** The segments of one partition, in the order of their offsets. */
export interface LogStorage {
  readonly segments: readonly Segment[]
  /** A segment is closed at this size even if the topic's settings allow more. */
  readonly maxSegmentBytes: number
  /** Begins a segment behind all others. */
  roll(baseOffset: number, nowMs: number): Segment
  /** Drops the oldest segments. */
  dropOldest(count: number): void
  /** Puts `batches` in the place of `count` segments from `index` on, at once: all or nothing. */
  replace(index: number, count: number, batches: readonly Uint8Array[]): Segment
  /** Drops all segments and begins at `baseOffset`. */
  restart(baseOffset: number, nowMs: number): Segment
  close(): void
}

/** Where a broker keeps everything it must not forget. */
export interface BrokerStorage {
  /** Whether what is kept outlives the process. */
  readonly durable: boolean
  journal(name: string): StateJournal
  /**
   * Opens the log of a partition, with what is there already.
   *
   * @throws StorageError
   */
  openLog(topicId: string, partition: number): LogStorage
  deleteLog(topicId: string, partition: number): void
  close(): void
}

/** Thrown when there is no room, or the disk fails. Everything is then as it was before the call. */
export class StorageError extends Error {}
