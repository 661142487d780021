import type { Duration } from './duration.ts'
import type { Headers } from './headers.ts'
import type { RecordMetadata, StreamRecord } from './stream-record.ts'

/**
 * A node's behaviour. `process` is a plain call on the record path: it must not block and its result is not awaited.
 *
 * @see Kafka Streams `api.Processor`
 */
export interface Processor<KIn, VIn, KOut, VOut> {
  /** Called once per task before the first record. Stores and the context may be kept. */
  init?(context: ProcessorContext<KOut, VOut>): void
  process(record: StreamRecord<KIn, VIn>): void
  /** Called once when the task is closed; stores are still readable, nothing may be forwarded. */
  close?(): void
}

export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>

/** Why a record was dropped; counted per node and reason in the metrics. */
export type DropReason =
  | 'null-key'
  | 'null-value'
  | 'null-key-or-value'
  | 'late'
  | 'expired'
  | 'negative-timestamp'
  | 'deserialization-error'
  | 'processing-error'
  | 'production-error'

/**
 * What a processor may do. One context belongs to one node of one task.
 *
 * @see Kafka Streams `api.ProcessorContext`
 */
export interface ProcessorContext<KOut, VOut> {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, for example `0_3`. */
  readonly taskId: string
  readonly nodeName: string
  readonly partition: number

  /** Sends a record to all children, or to the one named, depth first and in the order they were added. */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void

  /** @throws StreamsError `TOPOLOGY_STORE_NOT_CONNECTED` if the node was not connected to this store. */
  getStateStore<S>(name: string): S

  /** Where the current input record came from; `undefined` in a punctuation or a cache flush without one. */
  recordMetadata(): RecordMetadata | undefined
  /** Headers of the record in work; those of the triggering record while a buffer is being emptied. */
  currentHeaders(): Headers

  /** Largest timestamp this task has seen at its sources; -1 before the first record. */
  streamTimeMs(): number
  systemTimeMs(): number

  /** Counts a dropped record of this node. */
  drop(reason: DropReason): void

  /**
   * Calls `punctuator` again and again until it is cancelled. May be called in `init` and later.
   *
   * - `stream-time`: when the task's stream time passes a multiple of `interval`, 0 included: the first record is followed by a
   *   call. After the record that moved the time. Goes on after a restart where it was.
   * - `wall-clock`: an `interval` after now, and so on; it keeps this phase after a restart.
   *
   * However many multiples were passed, there is one call, with the current time and not that of the deadline. While a
   * punctuator's promise is pending, the task processes nothing and does not commit; other tasks go on.
   *
   * @param interval - above 0; milliseconds or a string such as '5m'.
   * @throws StreamsError `DURATION_INVALID`
   * @see Kafka Streams `ProcessorContext#schedule`
   */
  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator): Cancellable

  /**
   * This node's own stream time and similar small integers that must survive a restart and a move to another
   * machine: they travel in the metadata of the committed input offsets. Declared in `init`, at most 8 a node.
   */
  nodeState(name: string, initial: number): NodeState
}

export type PunctuationType = 'stream-time' | 'wall-clock'

/** Gets the current stream time or wall-clock time. No input record is in work; it may forward. */
export type Punctuator = (timestampMs: number) => void | Promise<void>

export interface Cancellable {
  /** No further call, not even one that is due. May be called by the punctuator itself. */
  cancel(): void
}

/** One integer of a node that is committed with the input offsets. Safe integers only. */
export interface NodeState {
  value: number
}
