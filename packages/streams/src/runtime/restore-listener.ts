export interface StoreRestore {
  readonly taskId: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  /** First offset that is read: the checkpoint on disk, or the start of the changelog. */
  readonly startOffset: number
  /** Exclusive. Offsets in between may hold no record. */
  readonly endOffset: number
}

/** Progress of restoring, per store and task. All callbacks are optional and synchronous. @see Kafka Streams `StateRestoreListener` */
export interface RestoreListener {
  onRestoreStart?(store: StoreRestore): void
  onBatchRestored?(store: StoreRestore & { readonly batchRecords: number; readonly position: number }): void
  onRestoreEnd?(store: StoreRestore & { readonly totalRestored: number }): void
}
