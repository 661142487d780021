import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock, Logger } from '@millrace/streams/ports'
import { DirectoryOwner } from './directory-owner.ts'
import { DiskJournal } from './disk-journal.ts'
import { DiskLog } from './disk-log.ts'
import { FileHandles } from './file-handles.ts'
import { type BrokerStorage, type LogStorage, StorageError } from './log-storage.ts'
import type { StateJournal } from './state-journal.ts'
import { syncDirectory } from './sync-directory.ts'

export interface DiskStorageParts {
  readonly dir: string
  /**
   * `always`: what is acknowledged survives a machine that goes down. `never`: it survives the process; writing to the
   * disk is left to the operating system, as in Kafka by default.
   */
  readonly fsync: 'never' | 'always'
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps everything below a directory: `journals/NAME` and `logs/TOPIC-ID.PARTITION/BASE-OFFSET.log`. */
export class DiskStorage implements BrokerStorage {
  readonly durable = true
  readonly #parts: DiskStorageParts
  readonly #owner: DirectoryOwner
  readonly #files = new FileHandles()
  readonly #journals = new Map<string, DiskJournal>()
  #closed = false

  /** @throws StreamsError `BROKER_DATA_LOCKED` when another broker uses the directory. */
  constructor(parts: DiskStorageParts) {
    this.#parts = parts
    for (const folder of ['journals', 'logs']) mkdirSync(join(parts.dir, folder), { recursive: true })
    if (this.#sync) syncDirectory(parts.dir)
    this.#owner = DirectoryOwner.take(parts.dir)
  }

  journal(name: string): StateJournal {
    let journal = this.#journals.get(name)
    if (journal === undefined) {
      journal = new DiskJournal(join(this.#parts.dir, 'journals', name), this.#sync)
      this.#journals.set(name, journal)
    }
    return journal
  }

  openLog(topicId: string, partition: number): LogStorage {
    const { clock, logger } = this.#parts
    const dir = this.#logDir(topicId, partition)
    try {
      mkdirSync(dir, { recursive: true })
      if (this.#sync) syncDirectory(dirname(dir))
      return new DiskLog({ dir, files: this.#files, sync: this.#sync, nowMs: clock.nowMs(), logger })
    } catch (error) {
      if (error instanceof StorageError) throw error
      throw new StorageError(`The embedded broker cannot open '${dir}': ${String(error)}`, { cause: error })
    }
  }

  deleteLog(topicId: string, partition: number): void {
    rmSync(this.#logDir(topicId, partition), { recursive: true, force: true })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#files.closeAll()
    for (const journal of this.#journals.values()) journal.close()
    this.#owner.release()
  }

  get #sync(): boolean {
    return this.#parts.fsync === 'always'
  }

  #logDir(topicId: string, partition: number): string {
    return join(this.#parts.dir, 'logs', `${topicId}.${partition}`)
  }
}
