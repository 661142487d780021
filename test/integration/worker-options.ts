import type { MillraceOptions } from 'millrace'

/** What a worker process of a test is told, as JSON. */
export interface WorkerOptions {
  readonly input: string
  readonly output: string
  /** How long each record keeps the processor busy. */
  readonly busyMs?: number
  /** Regroups all records to this many keys, through a repartition topic. */
  readonly regroupTo?: number
  readonly untilEnd?: boolean
  readonly app: Omit<MillraceOptions, 'logger' | 'restoreListener'>
}

/** What a worker counts, and which process did. */
export interface WorkerOutput {
  readonly count: number
  readonly pid: number
}

/** What a worker reports. */
export interface WorkerReport {
  readonly state?: string
  readonly warning?: string
  readonly restored?: { readonly taskId: string; readonly from: number; readonly records: number }
  /** The answer to the message 'metrics'. */
  readonly tasks?: readonly string[]
  readonly processedRecords?: number
  readonly bufferedInputBytes?: number
  readonly rssBytes?: number
}
