import type { DropReason } from '../core/index.ts'

/** A snapshot of `app.metrics()`. Counters count from the start of the process. */
export interface AppMetrics {
  /** Input records processed by the tasks that are here now. */
  readonly processedRecords: number
  readonly droppedRecords: number
  readonly lateRecords: number
  /** By node name, summed over tasks. */
  readonly nodes: Readonly<Record<string, NodeSnapshot>>
  readonly commits: { readonly count: number; readonly lastMs: number; readonly meanMs: number; readonly maxMs: number }
  /** Input records between the committed or current position and the high watermark, over all inputs. */
  readonly lagRecords: number
  readonly restore: {
    readonly tasks: readonly string[]
    readonly restoredRecords: number
    readonly remainingRecords: number
  }
  readonly tasks: Readonly<Record<string, TaskSnapshot>>
  readonly stateBytes: number
  readonly bufferedInputBytes: number
}

export interface NodeSnapshot {
  readonly processed: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
}

export interface TaskSnapshot {
  readonly processedRecords: number
  readonly streamTimeMs: number
  readonly lagRecords: number
  readonly stateBytes: number
  readonly uncommittedBytes: number
}
