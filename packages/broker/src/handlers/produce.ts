import {
  type DecodedRequestOf,
  Produce,
  type ResponseInputOf,
  readBatchHeader,
  BATCH_HEADER_BYTES
} from '@millrace/protocol'
import { ConnectionError } from '../connection-error.ts'
import { ErrorCode } from '../error-code.ts'
import { type Handler, NO_ANSWER, type RequestContext } from './handler.ts'

type Asked = DecodedRequestOf<typeof Produce>['topicData'][number]['partitionData'][number]
type Answered = ResponseInputOf<typeof Produce>['responses'][number]['partitionResponses'][number]

const ZSTD = 4
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
    const acksValid = acks >= -1 && acks <= 1
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(asked =>
        acksValid ? append(name, asked, transactionalId, context) : refused(asked, ErrorCode.INVALID_REQUIRED_ACKS)
      )
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

function append(topic: string, asked: Asked, transactionalId: string | null, context: RequestContext): Answered {
  const { version, broker } = context
  const log = broker.topics.partition(topic, asked.index)
  if (log === undefined) return refused(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const { records } = asked
  if (records === null) return refused(asked, ErrorCode.INVALID_RECORD, 'There are no records')
  if (records.length >= BATCH_HEADER_BYTES) {
    const header = readBatchHeader(records, 0)
    if (header.compressionCode === ZSTD && version < ZSTD_FROM) {
      const message = `Produce requests with version ${version} are not allowed to use ZStandard compression`
      return refused(asked, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message)
    }
    if (header.transactional) {
      const write = {
        topic,
        partition: asked.index,
        producerId: header.producerId,
        producerEpoch: header.producerEpoch
      }
      const errorCode = broker.transactions.verifyProduce(transactionalId, write, version)
      if (errorCode !== ErrorCode.NONE) return refused(asked, errorCode)
    }
  }
  const outcome = log.append(records)
  if (outcome.errorCode !== ErrorCode.NONE) {
    if (outcome.errorCode === ErrorCode.KAFKA_STORAGE_ERROR) broker.logger.error(outcome.errorMessage ?? '', { topic })
    return refused(asked, outcome.errorCode, outcome.errorMessage)
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
