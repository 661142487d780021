import { NO_HEADERS, StreamsError } from '../core/index.ts'
import type { Logger, ProducerOptions } from '../ports/index.ts'
import type { Topology } from '../topology/index.ts'
import type { ErrorHandler, ErrorResponse } from './error-handlers.ts'
import type { ResolvedConfig } from './streams-config.ts'
import { ownInternalTopics } from './topic-plan.ts'

type OnRejected = NonNullable<ProducerOptions['onRejected']>

/**
 * Decides over records that a broker refuses, when they are out of the task's hands: the handler is told of the topic, not of the
 * input. They can be dropped, not sent elsewhere: their bytes belong to a batch.
 *
 * The handler is asked for outputs only. Without a record of its changelog a store that is restored is not what it was; without
 * one of a repartition topic an aggregate is wrong for good, when what was to be taken out of it is missing.
 */
export function decidesOverRefused(
  topology: Topology,
  config: Pick<ResolvedConfig, 'applicationId' | 'onProductionError' | 'deadLetterTopic'>,
  logger: Logger
): OnRejected {
  const { applicationId, onProductionError, deadLetterTopic } = config
  const internal = ownInternalTopics(topology, applicationId)
  return (topic, partition, recordCount, cause) => {
    if (!internal.has(topic) && topic !== deadLetterTopic) {
      return dropsOutput(onProductionError, topic, partition, recordCount, cause, logger)
    }
    // Where nothing would be dropped anyway, the error says it all.
    if (onProductionError !== 'fail') {
      const what = internal.has(topic) ? `'${topic}' is internal` : `'${topic}' keeps what was dropped elsewhere`
      logger.error(`${what}: none of its records can be left out, and onProductionError is not asked: ${cause.message}`)
    }
    return false
  }
}

function dropsOutput(
  handler: ErrorHandler,
  topic: string,
  partition: number,
  recordCount: number,
  cause: Error,
  logger: Logger
): boolean {
  const error = new StreamsError(
    'RECORD_PRODUCE_FAILED',
    `The broker refused ${recordCount} records for ${topic}-${partition}: ${cause.message}. ` +
      "Correct the records or the topic's limits, or set onProductionError to 'continue'.",
    { cause, details: { topic, partition, recordCount } }
  )
  let response: ErrorResponse = 'fail'
  try {
    const failed = { error, taskId: '', node: '', topic: undefined, partition: undefined, offset: undefined }
    response =
      typeof handler === 'function'
        ? handler({ ...failed, timestampMs: undefined, key: null, value: null, headers: NO_HEADERS })
        : handler
  } catch (thrown) {
    logger.error(`onProductionError threw: ${String(thrown)}`)
  }
  if (response === 'fail') return false
  logger.warn(error.message)
  // 'dead-letter' cannot be done here; to drop what was to be kept would lose it.
  return response === 'continue'
}
