import { type BrokerStorage, type LogStorage, type Segment, StorageError } from './log-storage.ts'
import { MemoryJournal } from './memory-journal.ts'
import type { StateJournal } from './state-journal.ts'

const FIRST_CHUNK_BYTES = 16 * 1024
const LAST_CHUNK_BYTES = 1024 * 1024
/** Deleted records give their memory back by the segment, so that Kafka's gigabyte would be too much. */
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024

/** Bytes that all logs may take together. */
export class MemoryBudget {
  readonly limitBytes: number
  usedBytes = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  take(bytes: number): void {
    if (this.usedBytes + bytes > this.limitBytes) {
      throw new StorageError(
        `The embedded broker keeps at most ${this.limitBytes} bytes of records in memory, and ${this.usedBytes} are taken. ` +
          'Give topics a retention, raise maxMemoryBytes, or give the broker a data directory.'
      )
    }
    this.usedBytes += bytes
  }

  /** For what takes the place of more. */
  takeAnyway(bytes: number): void {
    this.usedBytes += bytes
  }

  giveBack(bytes: number): void {
    this.usedBytes -= bytes
  }
}

/** Keeps everything in memory, up to a limit, and forgets it with the process. */
export class MemoryStorage implements BrokerStorage {
  readonly durable = false
  readonly #budget: MemoryBudget
  readonly #logs = new Map<string, MemoryLog>()
  readonly #journals = new Map<string, MemoryJournal>()

  constructor(limitBytes: number) {
    this.#budget = new MemoryBudget(limitBytes)
  }

  get usedBytes(): number {
    return this.#budget.usedBytes
  }

  journal(name: string): StateJournal {
    let journal = this.#journals.get(name)
    if (journal === undefined) this.#journals.set(name, (journal = new MemoryJournal()))
    return journal
  }

  openLog(topicId: string, partition: number): LogStorage {
    const name = `${topicId}-${partition}`
    let log = this.#logs.get(name)
    if (log === undefined) this.#logs.set(name, (log = new MemoryLog(this.#budget)))
    return log
  }

  deleteLog(topicId: string, partition: number): void {
    const name = `${topicId}-${partition}`
    this.#logs.get(name)?.dropAll()
    this.#logs.delete(name)
  }

  close(): void {
    for (const log of this.#logs.values()) log.dropAll()
    this.#logs.clear()
  }
}

class MemoryLog implements LogStorage {
  readonly segments: MemorySegment[] = []
  readonly maxSegmentBytes = MAX_SEGMENT_BYTES
  readonly #budget: MemoryBudget

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  roll(baseOffset: number, nowMs: number): Segment {
    const segment = new MemorySegment(this.#budget, baseOffset, nowMs)
    this.segments.push(segment)
    return segment
  }

  dropOldest(count: number): void {
    for (const segment of this.segments.splice(0, count)) segment.truncate(0)
  }

  replace(index: number, count: number, batches: readonly Uint8Array[]): Segment {
    const first = this.segments[index] as MemorySegment
    const segment = new MemorySegment(this.#budget, first.baseOffset, first.createdMs)
    // A full broker can still be compacted: what is put in is no more than what goes, but for the rest of a chunk.
    for (const batch of batches) segment.append(batch, true)
    for (const old of this.segments.splice(index, count, segment)) old.truncate(0)
    return segment
  }

  restart(baseOffset: number, nowMs: number): Segment {
    this.dropAll()
    return this.roll(baseOffset, nowMs)
  }

  close(): void {}

  dropAll(): void {
    this.dropOldest(this.segments.length)
  }
}

/** Chunks that double in size; a batch lies within one of them, so that it can be handed out without a copy. */
class MemorySegment implements Segment {
  readonly baseOffset: number
  readonly createdMs: number
  sizeBytes = 0
  readonly #budget: MemoryBudget
  readonly #chunks: Chunk[] = []
  #nextChunkBytes = FIRST_CHUNK_BYTES

  constructor(budget: MemoryBudget, baseOffset: number, createdMs: number) {
    this.#budget = budget
    this.baseOffset = baseOffset
    this.createdMs = createdMs
  }

  append(batch: Uint8Array, anyway = false): void {
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.used + batch.length > chunk.bytes.length) {
      const sizeBytes = Math.max(batch.length, this.#nextChunkBytes)
      if (anyway) this.#budget.takeAnyway(sizeBytes)
      else this.#budget.take(sizeBytes)
      chunk = { start: this.sizeBytes, used: 0, bytes: Buffer.allocUnsafeSlow(sizeBytes) }
      this.#chunks.push(chunk)
      this.#nextChunkBytes = Math.min(this.#nextChunkBytes * 2, LAST_CHUNK_BYTES)
    }
    chunk.bytes.set(batch, chunk.used)
    chunk.used += batch.length
    this.sizeBytes += batch.length
  }

  view(position: number, length: number): Buffer {
    const chunk = this.#chunks[this.#chunkAt(position)] as Chunk
    return chunk.bytes.subarray(position - chunk.start, position - chunk.start + length)
  }

  read(position: number, length: number): readonly Buffer[] {
    const pieces: Buffer[] = []
    const end = Math.min(position + length, this.sizeBytes)
    for (let i = this.#chunkAt(position); i < this.#chunks.length; i++) {
      const { start, used, bytes } = this.#chunks[i] as Chunk
      if (start >= end) break
      pieces.push(bytes.subarray(Math.max(position - start, 0), Math.min(end - start, used)))
    }
    return pieces
  }

  truncate(sizeBytes: number): void {
    while (this.#chunks.length > 0 && (this.#chunks.at(-1) as Chunk).start >= sizeBytes) {
      this.#budget.giveBack((this.#chunks.pop() as Chunk).bytes.length)
    }
    const last = this.#chunks.at(-1)
    if (last !== undefined) last.used = Math.min(last.used, sizeBytes - last.start)
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes)
  }

  /** Index of the chunk that holds `position`. */
  #chunkAt(position: number): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#chunks[middle] as Chunk).start <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}

interface Chunk {
  /** Position of its first byte in the segment. */
  readonly start: number
  used: number
  readonly bytes: Buffer
}
