import { type DecodedRequestOf, Produce, type ResponseInputOf, readBatchHeader } from '@millrace/protocol'
import { ConnectionError } from '../connection-error.ts'
import { ErrorCode } from '../error-code.ts'
import { checkFormat } from '../log/check-batches.ts'
import { type Handler, NO_ANSWER, type RequestContext } from './handler.ts'

type Asked = DecodedRequestOf<typeof Produce>['topicData'][number]['partitionData'][number]
type Answered = ResponseInputOf<typeof Produce>['responses'][number]['partitionResponses'][number]

/** Refusals that do not tell where the log starts, in `ReplicaManager#appendRecordsToLeader`. */
const WITHOUT_START: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR
])
const ZSTD_FROM = 7

/**
 * Appends batches. With one replica `acks=all` is fulfilled as soon as the leader has them. Topics are not created
 * here, but by Metadata. Batches are not compressed anew for `compression.type`. Version 13, by topic id, is not
 * served.
 */
export const produce: Handler<typeof Produce> = {
  api: Produce,
  versions: [3, 12],
  handle({ acks, transactionalId, topicData }, context) {
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(asked => append(name, asked, acks, transactionalId, context))
    }))
    if (acks !== 0) return { responses }
    // Nothing else tells such a producer that something went wrong.
    const failed = responses.find(({ partitionResponses }) =>
      partitionResponses.some(({ errorCode }) => errorCode !== 0)
    )
    if (failed !== undefined) {
      throw new ConnectionError(`a producer that asks for no answer has failed on topic '${failed.name}'`)
    }
    return NO_ANSWER
  }
}

function append(
  topic: string,
  asked: Asked,
  acks: number,
  transactionalId: string | null,
  context: RequestContext
): Answered {
  const { version, broker } = context
  const log = broker.topics.partition(topic, asked.index)
  if (log === undefined) return refused(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const { records } = asked
  if (records === null) return refused(asked, ErrorCode.INVALID_RECORD, 'There are no records')
  const wrong = checkFormat(records, version >= ZSTD_FROM)
  if (wrong !== undefined) return refused(asked, wrong.errorCode, wrong.message)
  const header = readBatchHeader(records, 0)
  if (header.transactional) {
    const { producerId, producerEpoch } = header
    const write = { topic, partition: asked.index, producerId, producerEpoch }
    const errorCode = broker.transactions.verifyProduce(transactionalId, write, version)
    if (errorCode !== ErrorCode.NONE) return refused(asked, errorCode)
  }
  if (acks < -1 || acks > 1) return refused(asked, ErrorCode.INVALID_REQUIRED_ACKS)
  const outcome = log.append(records)
  if (outcome.errorCode !== ErrorCode.NONE) {
    if (outcome.errorCode === ErrorCode.KAFKA_STORAGE_ERROR) broker.logger.error(outcome.errorMessage ?? '', { topic })
    const answer = refused(asked, outcome.errorCode, outcome.errorMessage)
    if (WITHOUT_START.has(outcome.errorCode)) return answer
    return { ...answer, logStartOffset: log.startOffset, recordErrors: outcome.refusedRecords ?? [] }
  }
  return {
    index: asked.index,
    errorCode: ErrorCode.NONE,
    baseOffset: outcome.baseOffset,
    logAppendTimeMs: outcome.logAppendTimeMs,
    logStartOffset: log.startOffset
  }
}

function refused({ index }: Asked, errorCode: number, errorMessage: string | null = null): Answered {
  return { index, errorCode, errorMessage, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
}
