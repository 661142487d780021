import type { Headers, StreamsError } from '../core/index.ts'

/**
 * What happens to a record that failed:
 * - `fail`: the error stops the application; under exactly-once the transaction is aborted, nothing of it remains.
 * - `continue`: the record is dropped and counted.
 * - `dead-letter`: the original bytes go to `deadLetterTopic`, in the same transaction, with headers that tell why and from where;
 *   then as `continue`.
 */
export type ErrorResponse = 'fail' | 'continue' | 'dead-letter'

/** What a handler is told. `key` and `value` are the bytes of the input record, valid during the call. */
export interface FailedRecord {
  /** `RECORD_DESERIALIZE_FAILED`, `RECORD_PROCESS_FAILED`, `RECORD_SERIALIZE_FAILED`, `RECORD_PRODUCE_FAILED`, `RECORD_TOO_LARGE`. */
  readonly error: StreamsError
  readonly taskId: string
  readonly node: string
  /**
   * The input record in work; undefined when a punctuation failed, or something below a record cache, also when the cache was
   * emptied in the midst of a record: what left it came of others. `key` and `value` are null then.
   */
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly timestampMs: number | undefined
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
}

/** A fixed answer, or a synchronous function that gives one. A handler that throws counts as `fail`. */
export type ErrorHandler = ErrorResponse | ((failed: FailedRecord) => ErrorResponse)

export interface ErrorHandlers {
  /** The bytes of an input record could not be read. Default `fail`. */
  readonly onDeserializationError: ErrorHandler
  /**
   * A processor, or a function given to an operator, threw; or what a node puts into its store is larger than a request
   * (`cause` `RECORD_TOO_LARGE`), at once or when it leaves the record cache. The record, or that put, is dropped at that node only.
   * Default `fail`.
   */
  readonly onProcessingError: ErrorHandler
  /**
   * An output record could not be serialised, or was refused for good; of repartition topics, the former only: to leave out what they refuse
   * would make wrong what is computed from them. Default `fail`.
   */
  readonly onProductionError: ErrorHandler
  /** Needed when a handler answers `dead-letter`. Must exist. */
  readonly deadLetterTopic: string | undefined
}

export const FAIL_ON_ERROR: ErrorHandlers = {
  onDeserializationError: 'fail',
  onProcessingError: 'fail',
  onProductionError: 'fail',
  deadLetterTopic: undefined
}
