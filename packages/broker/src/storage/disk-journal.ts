import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync
} from 'node:fs'
import { crc32 } from 'node:zlib'
import { StorageError } from './log-storage.ts'
import type { JournalEntry, StateJournal } from './state-journal.ts'

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
  #rewrittenBytes = 0

  /** Opens what is there, and cuts off a torn end. */
  constructor(path: string, sync: boolean) {
    this.#path = path
    this.#sync = sync
    this.#fd = openSync(path, 'a+')
    const { soundBytes } = this.#read()
    ftruncateSync(this.#fd, soundBytes)
    this.#sizeBytes = soundBytes
    this.#rewrittenBytes = soundBytes
  }

  replay(): Iterable<JournalEntry> {
    return this.#read().entries
  }

  append(entry: JournalEntry): void {
    const line = lineOf(entry)
    try {
      writeAll(this.#fd, line)
      if (this.#sync) fdatasyncSync(this.#fd)
    } catch (error) {
      // Behind half a line nothing would be read any more.
      ftruncateSync(this.#fd, this.#sizeBytes)
      throw new StorageError(`The embedded broker cannot write to '${this.#path}': ${String(error)}`, { cause: error })
    }
    this.#sizeBytes += line.length
  }

  get isLarge(): boolean {
    return this.#sizeBytes > Math.max(SMALLEST_LARGE_BYTES, this.#rewrittenBytes * GROWTH)
  }

  rewrite(entries: Iterable<JournalEntry>): void {
    const lines = Buffer.concat([...entries].map(lineOf))
    const unfinished = `${this.#path}.rewriting`
    const fd = openSync(unfinished, 'w')
    writeAll(fd, lines)
    fsyncSync(fd)
    closeSync(fd)
    renameSync(unfinished, this.#path)
    closeSync(this.#fd)
    this.#fd = openSync(this.#path, 'a+')
    this.#sizeBytes = lines.length
    this.#rewrittenBytes = lines.length
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

function lineOf(entry: JournalEntry): Buffer {
  const json = JSON.stringify(entry)
  return Buffer.from(`${checksumOf(Buffer.from(json))} ${json}\n`)
}

function checksumOf(json: Uint8Array): string {
  return crc32(json).toString(16).padStart(CHECKSUM_DIGITS, '0')
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
