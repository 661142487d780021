import { fdatasyncSync, fstatSync, ftruncateSync, readSync } from 'node:fs'
import { BATCH_HEADER_BYTES, batchChecksumMatches, batchSizeBytes, readBatchHeader } from '@millrace/protocol'
import type { FileHandles } from './file-handles.ts'
import { type Segment, StorageError } from './log-storage.ts'
import { writeAt } from './write-at.ts'

/** Headers are read in passing, in stretches of this size. */
const BLOCK_BYTES = 64 * 1024
const FORMAT = 2
const NO_BYTES = Buffer.alloc(0)

export interface DiskSegmentParts {
  readonly path: string
  readonly files: FileHandles
  readonly baseOffset: number
  readonly createdMs: number
  /** Whether an append returns only when the disk has it. */
  readonly sync: boolean
}

/** A file of batches. */
export class DiskSegment implements Segment {
  readonly path: string
  readonly baseOffset: number
  readonly createdMs: number
  sizeBytes: number
  readonly #files: FileHandles
  readonly #sync: boolean
  #block: Buffer = NO_BYTES
  #blockAt = 0

  constructor({ path, files, baseOffset, createdMs, sync }: DiskSegmentParts) {
    this.path = path
    this.baseOffset = baseOffset
    this.createdMs = createdMs
    this.#files = files
    this.#sync = sync
    this.sizeBytes = fstatSync(files.get(path)).size
  }

  append(batch: Uint8Array): void {
    const fd = this.#files.get(this.path)
    try {
      writeAt(fd, batch, this.sizeBytes)
      if (this.#sync) fdatasyncSync(fd)
    } catch (error) {
      // A batch is there as a whole or not at all: the next one must not follow half of it.
      ftruncateSync(fd, this.sizeBytes)
      throw new StorageError(`The embedded broker cannot write to '${this.path}': ${String(error)}`, { cause: error })
    }
    this.sizeBytes += batch.length
  }

  view(position: number, length: number): Buffer {
    const start = position - this.#blockAt
    if (start >= 0 && start + length <= this.#block.length) return this.#block.subarray(start, start + length)
    if (length > BLOCK_BYTES) return this.#bytes(position, length)
    this.#block = this.#bytes(position, Math.min(BLOCK_BYTES, this.sizeBytes - position))
    this.#blockAt = position
    return this.#block.subarray(0, length)
  }

  read(position: number, length: number): readonly Buffer[] {
    return [this.#bytes(position, Math.min(length, this.sizeBytes - position))]
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#files.get(this.path), sizeBytes)
    this.sizeBytes = sizeBytes
    this.#block = NO_BYTES
  }

  /**
   * Cuts off what a process that was killed, or a machine that went down, had not finished. Returns the bytes cut off.
   *
   * @param checkBatches - Whether each batch is checked against its checksum, not only its size against the file.
   */
  dropTornEnd(checkBatches: boolean): number {
    let position = 0
    while (this.#soundBatchAt(position, checkBatches))
      position += batchSizeBytes(this.view(position, BATCH_HEADER_BYTES), 0)
    const tornBytes = this.sizeBytes - position
    if (tornBytes > 0) this.truncate(position)
    return tornBytes
  }

  #soundBatchAt(position: number, whole: boolean): boolean {
    const left = this.sizeBytes - position
    if (left < BATCH_HEADER_BYTES) return false
    const { sizeBytes, magic } = readBatchHeader(this.view(position, BATCH_HEADER_BYTES), 0)
    if (magic !== FORMAT || sizeBytes < BATCH_HEADER_BYTES || sizeBytes > left) return false
    return !whole || batchChecksumMatches(this.view(position, sizeBytes))
  }

  #bytes(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    const fd = this.#files.get(this.path)
    for (let got = 0; got < length; ) {
      const more = readSync(fd, bytes, got, length - got, position + got)
      if (more === 0)
        throw new Error(`The file '${this.path}' ends at ${position + got} bytes, where a batch should be.`)
      got += more
    }
    return bytes
  }
}
