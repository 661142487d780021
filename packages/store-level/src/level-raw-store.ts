import type { StreamsError } from '@millrace/streams/core'
import type { RawRange, RawRow, RawStore, RawWrite } from '@millrace/streams/ports'
import { type LevelBatch, LevelBatches } from './level-batches.ts'
import { type LevelStep, levelError } from './level-error.ts'
import { type NodeLevel, openLevel } from './node-level.ts'

export interface LevelOptions {
  /** Uncompressed blocks kept in memory, per task. Default 2 MiB. */
  readonly blockCacheBytes?: number
  /** Size at which LevelDB sorts its log into a table file; up to two are in memory, per task. Default 2 MiB. */
  readonly writeBufferBytes?: number
  /** Table files kept open, per task. Default 200. */
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
const HIGHEST_KEY = Buffer.alloc(64, 0xff)

/** The bytes of one task in one LevelDB. Its LOCK file, an OS lock, keeps other processes out. */
export class LevelRawStore implements RawStore {
  private readonly db: NodeLevel
  private readonly batches: LevelBatches
  private readonly events: LevelEvents

  private constructor(db: NodeLevel, events: LevelEvents) {
    this.db = db
    this.batches = new LevelBatches(db)
    this.events = events
  }

  /**
   * Opens or creates the database.
   *
   * @throws what LevelDB throws: its caller knows what the lock means.
   */
  static async open(location: string, options: LevelOptions = {}, events: LevelEvents = {}): Promise<LevelRawStore> {
    const db = await openLevel(location, {
      cacheSize: options.blockCacheBytes ?? 2 * MEBIBYTE,
      writeBufferSize: options.writeBufferBytes ?? 2 * MEBIBYTE,
      maxOpenFiles: options.maxOpenFiles ?? 200,
      // As Kafka Streams has it of RocksDB: the CPU time of a record in much state falls by a quarter, and the disk holds twice as much.
      compression: false
    })
    return new LevelRawStore(db, events)
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.db.getSync(key)
    } catch (error) {
      throw this.failure(error, 'read')
    }
  }

  async write(writes: Iterable<RawWrite>): Promise<void> {
    // A chained batch takes a third of the time that an array of operations does, and copies what it is given. Not synced:
    // LevelDB's log is in the page cache, which outlives the process, and after a power loss the log ends with a whole batch.
    const batch = this.takeBatch()
    try {
      for (const { key, value } of writes) {
        if (value === null) batch._del(key)
        else batch._put(key, value)
      }
      await batch._write({ sync: false }).catch(error => {
        throw this.failure(error, 'write')
      })
    } finally {
      this.batches.giveBack(batch)
    }
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
      return keys.length
    } catch (error) {
      throw this.failure(error, 'write')
    }
  }

  async approximateBytes(): Promise<number> {
    try {
      const onDisk = await this.db.approximateSize(Buffer.of(0), HIGHEST_KEY)
      return onDisk + Number(this.db.getProperty('leveldb.approximate-memory-usage'))
    } catch (error) {
      throw this.failure(error, 'read')
    }
  }

  async close(): Promise<void> {
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
