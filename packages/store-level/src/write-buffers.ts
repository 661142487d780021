const MEBIBYTE = 1024 * 1024
/** Of one buffer. Less makes many small table files. */
const LEAST_BYTES = 2 * MEBIBYTE
/** In a restore, where much is written in a short time; more is faster only with memory that is missed elsewhere. */
const RESTORE_BYTES = 8 * MEBIBYTE
/** What all databases share, as long as each has the least. */
const SHARED_BYTES = 8 * MEBIBYTE
/** The same, of those that are restored or large. */
const MOST_SHARED_BYTES = 32 * MEBIBYTE
/** A large database may have this part of its table files in memory beside them. */
const PART_OF_TABLES = 1 / 10

/**
 * How much the databases of one application in this process may hold in memory before they sort it into a table file; two such buffers may
 * be there for each. The larger they are, the less LevelDB compacts: with four times as much a restore of 5,000,000 entries takes half the
 * time, and a third less CPU time, and a record costs a quarter less where there were 10,000,000 keys when it was
 * opened.
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
   * A database with so many bytes of table files is being opened.
   *
   * @returns where LevelDB is to flush by itself, which lasts: in a restore it does so with less compaction than if it is told to. The first few
   *   get more: how many will follow is not known.
   */
  opening(tableBytes: number): number {
    this.databases++
    return this.share(MOST_SHARED_BYTES, Math.max(RESTORE_BYTES, tableBytes * PART_OF_TABLES))
  }

  closed(): void {
    this.databases--
  }

  /** Where a database with so many bytes of table files is to be flushed, unless it is being restored. */
  limitBytes(tableBytes: number): number {
    return Math.max(this.share(SHARED_BYTES), this.share(MOST_SHARED_BYTES, tableBytes * PART_OF_TABLES))
  }

  /**
   * Calls `flush` when those before it have ended: each holds one of the few threads of Node's pool until LevelDB is done. Never fails:
   * what fails in LevelDB fails in the next write too.
   */
  flushInTurn(flush: () => Promise<void>): Promise<void> {
    this.lastFlush = this.lastFlush.then(flush).catch(() => {})
    return this.lastFlush
  }

  private share(bytes: number, most = bytes): number {
    return this.fixedBytes ?? Math.max(LEAST_BYTES, Math.min(most, bytes / this.databases))
  }
}
