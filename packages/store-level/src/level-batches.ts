import type { NodeLevel } from './node-level.ts'

/**
 * What a chained batch does its work with. Its public methods close it with its first write, and what it holds outside of V8, which
 * is all that was written, then waits for the collector, which does not know of it: some hundred MB of an application.
 *
 * @see abstract-level, "Private API For Implementors"
 */
export interface LevelBatch {
  _put(key: Uint8Array, value: Uint8Array): void
  _del(key: Uint8Array): void
  _clear(): void
  _write(options: { readonly sync: boolean }): Promise<void>
}

/** Batches of one database, used again; more than one only while several writes are under way. */
export class LevelBatches {
  private readonly db: NodeLevel
  private spare: LevelBatch | undefined

  constructor(db: NodeLevel) {
    this.db = db
  }

  /** An empty one. @throws what LevelDB throws when the database is not open. */
  take(): LevelBatch {
    const { spare } = this
    // Only a new one asks whether the database is open.
    if (spare === undefined || this.db.status !== 'open') return this.db.batch() as unknown as LevelBatch
    this.spare = undefined
    return spare
  }

  giveBack(batch: LevelBatch): void {
    batch._clear()
    this.spare = batch
  }
}
