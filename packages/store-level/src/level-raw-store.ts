import type { StreamsError } from '@millrace/streams/core'
import type { RawRange, RawRow, RawStore, RawWrite, RawWriteOptions } from '@millrace/streams/ports'
import { type LevelBatch, LevelBatches } from './level-batches.ts'
import { type LevelStep, levelError } from './level-error.ts'
import { type NodeLevel, openLevel } from './node-level.ts'
import { tableBytesIn } from './table-bytes.ts'
import { WriteBuffers } from './write-buffers.ts'

export interface LevelOptions {
  /** Uncompressed blocks kept in memory, per task. Default 2 MiB. */
  readonly blockCacheBytes?: number
  /**
   * Size at which LevelDB sorts its log into a table file; up to two are in memory, per task. Default: an equal share of 8 MiB for all tasks of
   * the application in this process, or a tenth of the task's table files, but no more than an equal share of 32 MiB; at least 2 MiB. In a
   * restore, and at most: what that is when the task is opened, or an n-th of 32 MiB, at most 8, for the n-th that is open.
   */
  readonly writeBufferBytes?: number
  /** Table files of 2 MiB that are kept open, per task; beyond them, a look-up opens one. Default 1000. */
  readonly maxOpenFiles?: number
}

export interface LevelEvents {
  /** Called, synchronously, before a method fails with `STATE_CORRUPT`. */
  readonly onDamage?: (error: StreamsError) => void
  readonly onClosed?: (store: LevelRawStore) => void
}

const MEBIBYTE = 1024 * 1024
const PAGE_ROWS = 512
const PAGE_BYTES = 256 * 1024
const LOWEST_KEY = Buffer.of(0)
const HIGHEST_KEY = Buffer.alloc(64, 0xff)
/** What an entry takes in a write buffer beside its bytes: its place in a skip list, lengths and sequence number. */
const ENTRY_BYTES = 32

/** The bytes of one task in one LevelDB. Its LOCK file, an OS lock, keeps other processes out. */
export class LevelRawStore implements RawStore {
  private readonly db: NodeLevel
  private readonly batches: LevelBatches
  private readonly events: LevelEvents
  private readonly buffers: WriteBuffers
  /** Where LevelDB flushes its write buffer by itself. */
  private readonly bufferBytes: number
  /** Of all table files, at the opening or when the last flush that was asked for had ended. */
  private tableBytes: number
  /** Written since the last flush was asked for. */
  private unflushedBytes = 0
  private flush: Promise<void> = Promise.resolve()
  private isClosed = false

  private constructor(
    db: NodeLevel,
    events: LevelEvents,
    buffers: WriteBuffers,
    bufferBytes: number,
    tableBytes: number
  ) {
    this.db = db
    this.batches = new LevelBatches(db)
    this.events = events
    this.buffers = buffers
    this.bufferBytes = bufferBytes
    this.tableBytes = tableBytes
  }

  /**
   * Opens or creates the database.
   *
   * @param buffers - what it shares with others. Default: it shares with none.
   * @throws what LevelDB throws: its caller knows what the lock means.
   */
  static async open(
    location: string,
    options: LevelOptions = {},
    events: LevelEvents = {},
    buffers = new WriteBuffers(options.writeBufferBytes)
  ): Promise<LevelRawStore> {
    const tableBytes = await tableBytesIn(location)
    const bufferBytes = buffers.opening(tableBytes)
    try {
      const db = await openLevel(location, {
        cacheSize: options.blockCacheBytes ?? 2 * MEBIBYTE,
        writeBufferSize: bufferBytes,
        maxOpenFiles: options.maxOpenFiles ?? 1000,
        // As Kafka Streams has it of RocksDB: the CPU time of a record in much state falls by a quarter, and the disk holds twice as much.
        compression: false
      })
      return new LevelRawStore(db, events, buffers, bufferBytes, tableBytes)
    } catch (error) {
      buffers.closed()
      throw error
    }
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.db.getSync(key)
    } catch (error) {
      throw this.failure(error, 'read')
    }
  }

  async write(writes: Iterable<RawWrite>, options?: RawWriteOptions): Promise<void> {
    // A chained batch takes a third of the time that an array of operations does, and copies what it is given. Not synced:
    // LevelDB's log is in the page cache, which outlives the process, and after a power loss the log ends with a whole batch.
    const batch = this.takeBatch()
    let bytes = 0
    let isBulk = false
    try {
      for (const { key, value } of writes) {
        if (value === null) batch._del(key)
        else batch._put(key, value)
        bytes += ENTRY_BYTES + key.length + (value?.length ?? 0)
      }
      isBulk = options?.bulk === true
      await batch._write({ sync: false }).catch(error => {
        throw this.failure(error, 'write')
      })
    } finally {
      this.batches.giveBack(batch)
    }
    await this.written(bytes, isBulk)
  }

  /**
   * Has LevelDB flush its write buffer where it would not yet do so by itself. Resolves when there is room for more: at once, unless another
   * such buffer is full before the last is flushed.
   */
  private async written(bytes: number, isBulk: boolean): Promise<void> {
    const { buffers, bufferBytes } = this
    // LevelDB itself leaves no more than that.
    this.unflushedBytes = Math.min(this.unflushedBytes + bytes, bufferBytes)
    const limitBytes = isBulk ? bufferBytes : buffers.limitBytes(this.tableBytes)
    if (limitBytes >= bufferBytes || this.unflushedBytes < limitBytes) return
    await this.flush
    if (this.unflushedBytes < limitBytes) return
    this.unflushedBytes = 0
    this.flush = buffers.flushInTurn(async () => {
      // LevelDB begins a compaction, of whatever keys, with its write buffer.
      await this.db.compactRange(HIGHEST_KEY, HIGHEST_KEY)
      this.tableBytes = await this.db.approximateSize(LOWEST_KEY, HIGHEST_KEY)
    })
  }

  private takeBatch(): LevelBatch {
    try {
      return this.batches.take()
    } catch (error) {
      throw this.failure(error, 'write')
    }
  }

  async *iterate(range: RawRange): AsyncIterableIterator<RawRow> {
    try {
      const iterator = this.db.iterator({ ...boundsOf(range), highWaterMarkBytes: PAGE_BYTES })
      try {
        for (;;) {
          const rows = await iterator.nextv(PAGE_ROWS)
          if (rows.length === 0) return
          for (const [key, value] of rows) yield { key, value }
        }
      } finally {
        await iterator.close()
      }
    } catch (error) {
      throw this.failure(error, 'read')
    }
  }

  async clear(range: RawRange, limit: number): Promise<number> {
    try {
      const keys = await this.db.keys({ ...boundsOf(range), limit }).all()
      const batch = this.db.batch()
      for (const key of keys) batch.del(key)
      await batch.write()
      // Whoever clears does so in small steps, between records.
      const bytes = keys.reduce((sum, key) => sum + ENTRY_BYTES + key.length, 0)
      void this.written(bytes, false)
      return keys.length
    } catch (error) {
      throw this.failure(error, 'write')
    }
  }

  async approximateBytes(): Promise<number> {
    try {
      const onDisk = await this.db.approximateSize(LOWEST_KEY, HIGHEST_KEY)
      return onDisk + Number(this.db.getProperty('leveldb.approximate-memory-usage'))
    } catch (error) {
      throw this.failure(error, 'read')
    }
  }

  async close(): Promise<void> {
    if (!this.isClosed) this.buffers.closed()
    this.isClosed = true
    await this.db.close()
    this.events.onClosed?.(this)
  }

  private failure(error: unknown, step: LevelStep): StreamsError {
    const failure = levelError(error, step, this.db.location)
    if (failure.code === 'STATE_CORRUPT') this.events.onDamage?.(failure)
    return failure
  }
}

function boundsOf(range: RawRange): { gte?: Uint8Array; lt?: Uint8Array; reverse: boolean } {
  return {
    ...(range.from === undefined ? {} : { gte: range.from }),
    ...(range.to === undefined ? {} : { lt: range.to }),
    reverse: range.reverse === true
  }
}
