import type { StateStore } from '../core/index.ts'
import type { RowTable } from './row-table.ts'

/** What the task state does with a store of any kind: one per kind, each over one RowTable. */
export interface StoreEngine {
  readonly store: StateStore
  readonly table: RowTable
  /** The row key, as latin1, of a changelog record's key; undefined when the record need not be kept. */
  rowKeyOfChangelog(key: Uint8Array): string | undefined
  /** Largest window start ever put; undefined for stores without windows. */
  readonly windows: WindowProgress | undefined
}

/** The observed stream time of a window store, per generation, and what expires with it. */
export class WindowProgress {
  observedMs: number
  private sealedMs: number
  committedMs: number
  private readonly retentionMs: number
  private readonly bucketMs: number
  /** Buckets below this one were cleared. */
  private clearedToBucket = 0

  constructor(observedMs: number, retentionMs: number, bucketMs: number) {
    this.observedMs = observedMs
    this.sealedMs = observedMs
    this.committedMs = observedMs
    this.retentionMs = retentionMs
    this.bucketMs = bucketMs
  }

  /** The least window start that is visible; never below 0. */
  get liveFromMs(): number {
    return Math.max(0, this.observedMs - this.retentionMs + 1)
  }

  observe(windowStartMs: number): void {
    if (windowStartMs > this.observedMs) this.observedMs = windowStartMs
  }

  seal(): void {
    this.sealedMs = this.observedMs
  }

  /** Takes over the sealed time. Returns whether that changed what is on disk. */
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

  private discardTo(observedMs: number): void {
    this.sealedMs = observedMs
    this.committedMs = observedMs
    if (observedMs < 0) this.clearedToBucket = 0
  }

  isCleared(bucket: number): boolean {
    return bucket < this.clearedToBucket
  }

  /** The first bucket that may hold a live window, by what is on disk. */
  get liveBucket(): number {
    return Math.floor(Math.max(0, this.committedMs - this.retentionMs + 1) / this.bucketMs)
  }

  get hasExpired(): boolean {
    return this.liveBucket > this.clearedToBucket
  }

  cleared(bucket: number): void {
    this.clearedToBucket = bucket
  }
}
