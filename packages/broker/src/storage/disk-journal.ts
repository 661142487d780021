import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync
} from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { StorageError } from './log-storage.ts'
import type { JournalEntry, StateJournal } from './state-journal.ts'
import { syncDirectory } from './sync-directory.ts'
import { writeAt } from './write-at.ts'

const CHECKSUM_DIGITS = 8
const SMALLEST_LARGE_BYTES = 1024 * 1024
/** How many times its last rewrite a journal may grow. */
const GROWTH = 4

/** A file of lines: the checksum of an entry, a space, the entry as JSON. */
export class DiskJournal implements StateJournal {
  readonly #path: string
  readonly #sync: boolean
  #fd: number
  #sizeBytes = 0
  /** Above it a rewrite is due. */
  #largeBytes = 0

  /** Opens what is there, and cuts off a torn end. */
  constructor(path: string, sync: boolean) {
    this.#path = path
    this.#sync = sync
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT)
    const { soundBytes } = this.#read()
    ftruncateSync(this.#fd, soundBytes)
    if (sync) syncDirectory(dirname(path))
    this.#sizeBytes = soundBytes
    this.#largeBytes = largeBytes(soundBytes)
  }

  replay(): Iterable<JournalEntry> {
    return this.#read().entries
  }

  append(...entries: readonly JournalEntry[]): void {
    const lines = entries.length === 1 ? lineOf(entries[0] as JournalEntry) : Buffer.concat(entries.map(lineOf))
    try {
      writeAt(this.#fd, lines, this.#sizeBytes)
      if (this.#sync) fdatasyncSync(this.#fd)
    } catch (error) {
      // Behind half a line nothing would be read any more.
      ftruncateSync(this.#fd, this.#sizeBytes)
      throw new StorageError(`The embedded broker cannot write to '${this.#path}': ${String(error)}`, { cause: error })
    }
    this.#sizeBytes += lines.length
  }

  get isLarge(): boolean {
    return this.#sizeBytes > this.#largeBytes
  }

  rewrite(entries: Iterable<JournalEntry>): void {
    const lines = Buffer.concat(Array.from(entries, lineOf))
    const unfinished = `${this.#path}.rewriting`
    let fd: number | undefined
    try {
      fd = openSync(unfinished, 'w+')
      writeAt(fd, lines, 0)
      fsyncSync(fd)
      renameSync(unfinished, this.#path)
      if (this.#sync) syncDirectory(dirname(this.#path))
    } catch (error) {
      if (fd !== undefined) closeSync(fd)
      rmSync(unfinished, { force: true, recursive: true })
      // Not again at the next entry, which would be as slow.
      this.#largeBytes = this.#sizeBytes + SMALLEST_LARGE_BYTES
      throw new StorageError(`The embedded broker cannot rewrite '${this.#path}': ${String(error)}`, { cause: error })
    }
    closeSync(this.#fd)
    this.#fd = fd
    this.#sizeBytes = lines.length
    this.#largeBytes = largeBytes(lines.length)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(): { readonly entries: JournalEntry[]; readonly soundBytes: number } {
    const bytes = readFileSync(this.#path)
    const entries: JournalEntry[] = []
    let at = 0
    for (let end = bytes.indexOf(0x0a, at); end >= 0; end = bytes.indexOf(0x0a, at)) {
      const json = bytes.subarray(at + CHECKSUM_DIGITS + 1, end)
      if (bytes.toString('latin1', at, at + CHECKSUM_DIGITS) !== checksumOf(json)) break
      entries.push(JSON.parse(json.toString()) as JournalEntry)
      at = end + 1
    }
    return { entries, soundBytes: at }
  }
}

function largeBytes(rewrittenBytes: number): number {
  return Math.max(SMALLEST_LARGE_BYTES, rewrittenBytes * GROWTH)
}

function lineOf(entry: JournalEntry): Buffer {
  const json = JSON.stringify(entry)
  return Buffer.from(`${checksumOf(Buffer.from(json))} ${json}\n`)
}

function checksumOf(json: Uint8Array): string {
  return crc32(json).toString(16).padStart(CHECKSUM_DIGITS, '0')
}
