import {
  type ErrorCode,
  type Header,
  type Headers,
  isStreamsError,
  NO_HEADERS,
  StreamsError
} from '../../core/index.ts'
import type { RecordProducer } from '../../ports/index.ts'
import type { ErrorHandler, ErrorHandlers, ErrorResponse, FailedRecord } from '../error-handlers.ts'
import type { InputPartition } from './input-partition.ts'
import type { OutputTopics } from './output-topics.ts'
import type { TaskFrame } from './task-frame.ts'
import type { AnyStreamRecord, TaskNode } from './task-node.ts'

/** The input record in work, if there is one. */
type RecordOrigin = Omit<FailedRecord, 'error' | 'taskId' | 'node'>

/** Thrown up the operator chain when a handler said `fail`: the nodes above must not handle the same error again. */
const HANDLED = Symbol('millrace.handled')

/** Decides, by the user's handlers, what happens to records that fail. Throws when the answer is `fail`. */
export class TaskErrors {
  readonly #handlers: ErrorHandlers
  readonly #outputs: OutputTopics
  readonly #producer: RecordProducer
  readonly #taskId: string
  #frame: TaskFrame | undefined

  constructor(taskId: string, handlers: ErrorHandlers, outputs: OutputTopics, producer: RecordProducer) {
    this.#producer = producer
    this.#taskId = taskId
    this.#handlers = handlers
    this.#outputs = outputs
  }

  bind(frame: TaskFrame): void {
    this.#frame = frame
  }

  deserializationFailed(node: TaskNode, input: InputPartition, part: 'key' | 'value', cause: unknown): void {
    const { topic, partition } = input
    const { offset } = input.reader
    const error = new StreamsError(
      'RECORD_DESERIALIZE_FAILED',
      `The ${part} of ${topic}-${partition}@${offset} could not be deserialised by '${node.name}': ${textOf(cause)}. ` +
        "Correct the serde, or set onDeserializationError to 'continue' or 'dead-letter'.",
      { cause, details: { topic, partition, offset, node: node.name, part } }
    )
    if (this.#decide(this.#handlers.onDeserializationError, error, node, originOf(input)) === 'fail')
      throw markHandled(error)
    node.metrics.drop('deserialization-error')
  }

  processingFailed(node: TaskNode, record: AnyStreamRecord | undefined, cause: unknown): void {
    if (isHandled(cause) || this.#isFatal(cause)) throw cause
    this.#processingFailed(node, record?.timestampMs, cause, originOf(this.#frame?.inputPartition))
  }

  /** As `processingFailed`, of the input record that is in work now, for what fails when it no longer is. */
  laterProcessingFailure(node: TaskNode): (cause: unknown) => void {
    const kept = this.#keptOrigin()
    return cause => {
      if (isHandled(cause) || this.#isFatal(cause)) throw cause
      this.#processingFailed(node, undefined, cause, kept)
    }
  }

  #processingFailed(node: TaskNode, timestampMs: number | undefined, cause: unknown, origin: RecordOrigin): void {
    const { topic, partition, offset } = origin
    const at = topic === undefined ? '' : ` at ${topic}-${partition}@${offset}`
    const error = new StreamsError(
      'RECORD_PROCESS_FAILED',
      `Node '${node.name}' of task ${this.#taskId} failed${at}: ${textOf(cause)}. ` +
        "Correct the function, or set onProcessingError to 'continue' or 'dead-letter'.",
      {
        cause,
        details: { node: node.name, taskId: this.#taskId, topic, partition, offset, timestampMs }
      }
    )
    if (this.#decide(this.#handlers.onProcessingError, error, node, origin) === 'fail') throw markHandled(error)
    node.metrics.drop('processing-error')
  }

  productionFailed(node: TaskNode, topic: string, code: ErrorCode, what: string, cause: unknown): void {
    this.#productionFailed(node, topic, code, what, cause, originOf(this.#frame?.inputPartition))
  }

  /** As `productionFailed`, of the input record that is in work now, for an output record that may fail when it no longer is. */
  laterProductionFailure(node: TaskNode, topic: string): (code: ErrorCode, what: string, cause: unknown) => void {
    const kept = this.#keptOrigin()
    return (code, what, cause) => this.#productionFailed(node, topic, code, what, cause, kept)
  }

  /**
   * No handler is asked: of a change that is taken out under one key and put in under another, half would be left out, and what
   * is made of it would stay wrong.
   */
  repartitionRefused(node: TaskNode, topic: string, cause: StreamsError): never {
    if (this.#isFatal(cause)) throw cause
    throw markHandled(
      new StreamsError(
        cause.code,
        `Node '${node.name}' of task ${this.#taskId} could not write to the repartition topic '${topic}', of which no record can be left out: ` +
          `${textOf(cause)}. Raise producer.maxRequestBytes and the topic's max.message.bytes, or write smaller records.`,
        { cause, details: { ...cause.details, node: node.name, taskId: this.#taskId } }
      )
    )
  }

  #keptOrigin(): RecordOrigin {
    const { key, value, ...origin } = originOf(this.#frame?.inputPartition)
    // Views into a fetched batch, which does not stay.
    return { ...origin, key: key && Buffer.from(key), value: value && Buffer.from(value) }
  }

  #productionFailed(
    node: TaskNode,
    topic: string,
    code: ErrorCode,
    what: string,
    cause: unknown,
    origin: RecordOrigin
  ): void {
    if (isHandled(cause) || this.#isFatal(cause)) throw cause
    const error = new StreamsError(
      code,
      `Node '${node.name}' of task ${this.#taskId} could not write to '${topic}': ${what}: ${textOf(cause)}. ` +
        "Correct the record, or set onProductionError to 'continue' or 'dead-letter'.",
      { cause, details: { node: node.name, taskId: this.#taskId, topic, inputOffset: origin.offset } }
    )
    if (this.#decide(this.#handlers.onProductionError, error, node, origin) === 'fail') throw markHandled(error)
    node.metrics.drop('production-error')
  }

  /** Errors of the house (a fenced producer, a corrupt store) are no business of the user's handlers. */
  #isFatal(error: unknown): boolean {
    // Once the producer has failed, over whatever record, every record meets its error.
    if (error === this.#producer.error) return true
    return isStreamsError(error) && !error.code.startsWith('RECORD_')
  }

  #decide(handler: ErrorHandler, error: StreamsError, node: TaskNode, origin: RecordOrigin): ErrorResponse {
    const failed: FailedRecord = { error, taskId: this.#taskId, node: node.name, ...origin }
    let response: ErrorResponse
    try {
      response = typeof handler === 'function' ? handler(failed) : handler
    } catch (cause) {
      throw markHandled(
        new StreamsError(error.code, `${error.message}. The error handler itself threw: ${textOf(cause)}.`, {
          cause: error,
          details: { ...error.details, handlerError: cause }
        })
      )
    }
    if (response === 'dead-letter') this.#deadLetter(failed)
    return response
  }

  #deadLetter(failed: FailedRecord): void {
    const topic = this.#handlers.deadLetterTopic
    if (topic === undefined) {
      throw markHandled(
        new StreamsError(
          'CONFIG_INVALID',
          "A handler answered 'dead-letter', but deadLetterTopic is not set. Set it.",
          {
            cause: failed.error
          }
        )
      )
    }
    this.#outputs.write(
      topic,
      // The failed record keeps its partition where the dead-letter topic has it: order by origin is kept.
      count => (failed.partition ?? 0) % count,
      failed.key,
      failed.value,
      failed.timestampMs ?? this.#frame?.streamTimeMs ?? 0,
      [...failed.headers, ...deadLetterHeaders(failed)]
    )
  }
}

/** Header names as Kafka Streams writes them (KIP-1034). */
function deadLetterHeaders(failed: FailedRecord): Headers {
  const text = (name: string, value: string): Header => [`__streams.errors.${name}`, Buffer.from(value)]
  const cause = failed.error.cause
  const headers: Header[] = [
    text('exception', cause instanceof Error ? cause.name : failed.error.code),
    text('message', failed.error.message),
    text('stacktrace', cause instanceof Error && cause.stack !== undefined ? cause.stack : (failed.error.stack ?? ''))
  ]
  if (failed.topic !== undefined) headers.push(text('topic', failed.topic))
  if (failed.partition !== undefined) headers.push(text('partition', String(failed.partition)))
  if (failed.offset !== undefined) headers.push(text('offset', String(failed.offset)))
  headers.push(text('node', failed.node), text('code', failed.error.code))
  return headers
}

function originOf(input: InputPartition | undefined): RecordOrigin {
  const reader = input?.reader
  return {
    topic: input?.topic,
    partition: input?.partition,
    offset: reader?.offset,
    timestampMs: reader === undefined || reader.timestampMs < 0 ? undefined : reader.timestampMs,
    // Copies: handlers may keep them.
    key: reader === undefined || reader.keyEnd < 0 ? null : copyOf(reader.buffer, reader.keyStart, reader.keyEnd),
    value:
      reader === undefined || reader.valueEnd < 0 ? null : copyOf(reader.buffer, reader.valueStart, reader.valueEnd),
    headers: reader?.headers() ?? NO_HEADERS
  }
}

function copyOf(buffer: Buffer, start: number, end: number): Buffer {
  return Buffer.from(buffer.subarray(start, end))
}

function markHandled(error: StreamsError): StreamsError {
  Object.defineProperty(error, HANDLED, { value: true })
  return error
}

function isHandled(error: unknown): boolean {
  return error instanceof Error && HANDLED in error
}

/** The text of a cause within another message, which ends with a code of its own. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const text = isStreamsError(error) ? error.message.slice(0, -` (${error.code})`.length) : error.message
  return text.replace(/\.$/, '')
}
