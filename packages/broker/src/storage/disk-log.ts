import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '@millrace/streams/ports'
import { DiskSegment } from './disk-segment.ts'
import type { FileHandles } from './file-handles.ts'
import { type LogStorage, type Segment, StorageError } from './log-storage.ts'
import { syncDirectory } from './sync-directory.ts'
import { writeAt } from './write-at.ts'

const SUFFIX = '.log'
const SWAP_SUFFIX = '.swap'
const UNFINISHED_SUFFIX = '.unfinished'
const NAME_DIGITS = 20

export interface DiskLogParts {
  readonly dir: string
  readonly files: FileHandles
  readonly sync: boolean
  readonly nowMs: number
  readonly logger: Logger
}

/**
 * The folder of one partition: a file for each segment, named after its base offset. A file `FROM-TO.swap` takes the
 * place of all segments from one base offset up to another.
 */
export class DiskLog implements LogStorage {
  readonly segments: DiskSegment[] = []
  readonly maxSegmentBytes = Infinity
  readonly #parts: DiskLogParts

  /** Opens what is there, finishes a replacement that was begun, and checks the files: the last one batch by batch. */
  constructor(parts: DiskLogParts) {
    this.#parts = parts
    const { dir, nowMs, logger } = parts
    for (const name of readdirSync(dir)) {
      if (name.endsWith(UNFINISHED_SUFFIX)) rmSync(join(dir, name))
      else if (name.endsWith(SWAP_SUFFIX)) this.#finishSwap(name)
    }
    for (const baseOffset of this.#baseOffsets()) this.#open(baseOffset, nowMs)
    for (const [i, segment] of this.segments.entries()) {
      const tornBytes = segment.dropTornEnd(i === this.segments.length - 1)
      if (tornBytes === 0) continue
      // What follows a gap cannot be kept, as in Kafka: offsets would be missing, sequences and transactions be torn.
      const dropped = this.segments.splice(i + 1).map(({ path }) => path)
      for (const path of dropped) this.#remove(path)
      logger.warn('Cut off the torn end of a log.', { file: segment.path, tornBytes, dropped })
      break
    }
  }

  roll(baseOffset: number, nowMs: number): Segment {
    const segment = this.#open(baseOffset, nowMs)
    if (this.#parts.sync) syncDirectory(this.#parts.dir)
    return segment
  }

  dropOldest(count: number): void {
    for (const { path } of this.segments.splice(0, count)) this.#remove(path)
  }

  /** A crash before the swap file has its name changes nothing; after it, the next start finishes. */
  replace(index: number, count: number, batches: readonly Uint8Array[]): Segment {
    const { dir, files, sync } = this.#parts
    const { baseOffset, createdMs } = this.segments[index] as DiskSegment
    const next = this.segments[index + count] as DiskSegment
    const swapName = `${digits(baseOffset)}-${digits(next.baseOffset)}${SWAP_SUFFIX}`
    const unfinished = join(dir, `${swapName}${UNFINISHED_SUFFIX}`)
    try {
      this.#writeFile(unfinished, batches)
      renameSync(unfinished, join(dir, swapName))
    } catch (error) {
      rmSync(unfinished, { force: true, recursive: true })
      throw new StorageError(`The embedded broker cannot write to '${dir}': ${String(error)}`, { cause: error })
    }
    if (sync) syncDirectory(dir)
    for (const { path } of this.segments.slice(index, index + count)) files.release(path)
    this.#finishSwap(swapName)
    const segment = this.#segment(baseOffset, createdMs)
    this.segments.splice(index, count, segment)
    return segment
  }

  restart(baseOffset: number, nowMs: number): Segment {
    this.dropOldest(this.segments.length)
    return this.roll(baseOffset, nowMs)
  }

  close(): void {
    for (const { path } of this.segments) this.#parts.files.release(path)
  }

  #open(baseOffset: number, nowMs: number): DiskSegment {
    const segment = this.#segment(baseOffset, nowMs)
    this.segments.push(segment)
    return segment
  }

  #writeFile(path: string, batches: readonly Uint8Array[]): void {
    const fd = openSync(path, 'w')
    try {
      let position = 0
      for (const batch of batches) {
        writeAt(fd, batch, position)
        position += batch.length
      }
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  #segment(baseOffset: number, createdMs: number): DiskSegment {
    const { files, sync } = this.#parts
    return new DiskSegment({ path: this.#path(baseOffset), files, baseOffset, createdMs, sync })
  }

  #finishSwap(swapName: string): void {
    const { dir } = this.#parts
    const [from, to] = swapName.slice(0, -SWAP_SUFFIX.length).split('-').map(Number) as [number, number]
    for (const baseOffset of this.#baseOffsets()) {
      if (baseOffset >= from && baseOffset < to) rmSync(this.#path(baseOffset))
    }
    renameSync(join(dir, swapName), this.#path(from))
  }

  #baseOffsets(): number[] {
    const names = readdirSync(this.#parts.dir).filter(name => name.endsWith(SUFFIX))
    return names.map(name => Number(name.slice(0, -SUFFIX.length))).sort((a, b) => a - b)
  }

  #path(baseOffset: number): string {
    return join(this.#parts.dir, `${digits(baseOffset)}${SUFFIX}`)
  }

  #remove(path: string): void {
    this.#parts.files.release(path)
    rmSync(path, { force: true })
  }
}

function digits(offset: number): string {
  return String(offset).padStart(NAME_DIGITS, '0')
}
