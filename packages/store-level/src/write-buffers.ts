const MEBIBYTE = 1024 * 1024
/** Of one buffer. Less makes many small table files. */
const LEAST_BYTES = 2 * MEBIBYTE
/** More is faster only with memory that an application of several tasks misses elsewhere. */
const MOST_BYTES = 8 * MEBIBYTE
/** In a restore, where much is written in a short time: the n-th database that is opened may have an n-th of this. */
const SHARED_BULK_BYTES = 32 * MEBIBYTE
/** Otherwise: what all databases share. */
const SHARED_BYTES = 8 * MEBIBYTE

/**
 * How much the databases of one application in this process may hold in memory before they sort it into a table file; two such buffers may
 * be there for each. The larger they are, the less LevelDB compacts: with four times as much a restore of 5,000,000 entries takes half the
 * time, and a third less CPU time.
 */
export class WriteBuffers {
  private readonly fixedBytes: number | undefined
  private databases = 0
  private lastFlush: Promise<void> = Promise.resolve()

  /** @param fixedBytes - what each database gets, however many there are. */
  constructor(fixedBytes?: number) {
    this.fixedBytes = fixedBytes
  }

  /**
   * A database is being opened.
   *
   * @returns where LevelDB is to flush by itself. The first few get more: how many will follow is not known.
   */
  opening(): number {
    this.databases++
    return this.share(SHARED_BULK_BYTES)
  }

  closed(): void {
    this.databases--
  }

  /** Where a database that only processes is to be flushed. */
  get limitBytes(): number {
    return this.share(SHARED_BYTES)
  }

  /**
   * Calls `flush` when those before it have ended: each holds one of the few threads of Node's pool until LevelDB is done. Never fails:
   * what fails in LevelDB fails in the next write too.
   */
  flushInTurn(flush: () => Promise<void>): Promise<void> {
    this.lastFlush = this.lastFlush.then(flush).catch(() => {})
    return this.lastFlush
  }

  private share(bytes: number): number {
    return this.fixedBytes ?? Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes / this.databases))
  }
}
