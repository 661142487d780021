import type { StateStore } from '../core/index.ts'
import type { WriteSource } from './sealed-writes.ts'

/** The rows of a store as the commit sees them. */
export interface StoreTable extends WriteSource {
  readonly uncommittedBytes: number
  /** On disk, roughly. */
  rowCount: number
  /** Forwards what the record cache holds; returns false when it held nothing. */
  flush(): boolean
  seal(): void
  /** `nextWrite` hands out the sealed rows from now on; those for which `isDead` holds are left out. */
  startWriting(isDead: ((rowKey: string) => boolean) | undefined): void
  /** By how much what was handed out changes `rowCount`. */
  readonly rowsAdded: number
  /** The sealed rows are on disk. */
  sealedWritten(): void
  /** Drops everything from memory. */
  reset(): void
}

/** What the task state does with a store of any kind: one engine per kind. */
export interface StoreEngine {
  readonly store: StateStore
  readonly table: StoreTable
  /** How changelog records come back; undefined: each is a row of the same key, put without reading what is there. */
  readonly restoring: ItemRestoring | undefined
  /** The largest time ever put, of stores whose entries expire by it. */
  readonly observed: ObservedTime | undefined
  /** Set when the rows lie by time bucket and expire with it; the same object as `observed`. */
  readonly windows: WindowProgress | undefined
}

/** A changelog record is one of several items of a row. Restored items are uncommitted until the batch is written. */
export interface ItemRestoring {
  restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void
}

/** The largest time put into a store, per generation. */
export class ObservedTime {
  observedMs: number
  private sealedMs: number
  committedMs: number

  constructor(observedMs: number) {
    this.observedMs = observedMs
    this.sealedMs = observedMs
    this.committedMs = observedMs
  }

  observe(timeMs: number): void {
    if (timeMs > this.observedMs) this.observedMs = timeMs
  }

  seal(): void {
    this.sealedMs = this.observedMs
  }

  get sealedObservedMs(): number {
    return this.sealedMs
  }

  written(): void {
    this.committedMs = this.sealedMs
  }

  discard(): void {
    this.observedMs = this.committedMs
    this.sealedMs = this.committedMs
  }

  reset(): void {
    this.observedMs = -1
    this.discardTo(-1)
  }

  restored(): void {
    this.discardTo(this.observedMs)
  }

  protected discardTo(observedMs: number): void {
    this.sealedMs = observedMs
    this.committedMs = observedMs
  }
}

/** The observed time of a store whose rows lie by time bucket, and what expires with it. */
export class WindowProgress extends ObservedTime {
  private readonly retentionMs: number
  private readonly bucketMs: number
  private readonly inclusiveMs: number
  private readonly keepsBound: boolean
  /** Buckets below this one were cleared. */
  clearedToBucket = 0

  /**
   * @param isInclusive - what is at exactly observed time - retention is still visible.
   * @param keepsBound - it is still needed, visible or not: a session that ends then is yet to be emitted.
   */
  constructor(observedMs: number, retentionMs: number, bucketMs: number, isInclusive: boolean, keepsBound = false) {
    super(observedMs)
    this.retentionMs = retentionMs
    this.bucketMs = bucketMs
    this.inclusiveMs = isInclusive ? 1 : 0
    this.keepsBound = keepsBound
  }

  /** The least time that is visible; never below 0. */
  get liveFromMs(): number {
    return this.liveFrom(this.observedMs)
  }

  /**
   * The least time that was visible at the last commit. What a cache forwards later was put when this was visible, however far
   * others have moved the observed time meanwhile.
   */
  get committedLiveFromMs(): number {
    return this.liveFrom(this.sealedObservedMs)
  }

  override reset(): void {
    super.reset()
    this.clearedToBucket = 0
  }

  /** The first bucket that is still needed, by what is on disk. */
  get liveBucket(): number {
    const fromMs = this.keepsBound ? Math.max(0, this.committedMs - this.retentionMs) : this.liveFrom(this.committedMs)
    return Math.floor(fromMs / this.bucketMs)
  }

  get hasExpired(): boolean {
    return this.liveBucket > this.clearedToBucket
  }

  cleared(bucket: number): void {
    this.clearedToBucket = bucket
  }

  private liveFrom(observedMs: number): number {
    return Math.max(0, observedMs - this.retentionMs + 1 - this.inclusiveMs)
  }
}
