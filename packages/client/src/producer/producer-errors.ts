import { kafkaError } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { TopicPartition } from '@millrace/streams/ports'
import type { CallOutcome } from './coordinator-calls.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { produceVerdict } from './produce-verdict.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { PartitionAnswer } from './sender.ts'
import type { Setback } from './setback.ts'

function place(partition: TopicPartition): string {
  return `topic '${partition.topic}', partition ${partition.partition}`
}

/** @param missingMs - how long brokers have said so, where it was there before. */
export function topicMissingError(topic: string, missingMs?: number): StreamsError {
  const deleted = `Topic '${topic}' was deleted: for ${missingMs} ms brokers have said that it does not exist; create it again`
  return new StreamsError(
    'TOPIC_MISSING',
    missingMs === undefined ? `Topic '${topic}' does not exist; create it before writing to it` : deleted,
    { details: { topic, ...(missingMs === undefined ? {} : { missingMs }) } }
  )
}

export function refusedError(partition: TopicPartition, batch: ProducerBatch, answer: PartitionAnswer): StreamsError {
  const error = kafkaError(answer.errorCode)
  const tooLarge = produceVerdict(answer.errorCode) === 'too-large'
  const said = answer.errorMessage ?? answer.recordErrors[0]?.batchIndexErrorMessage ?? error.message
  return new StreamsError(
    tooLarge ? 'RECORD_TOO_LARGE' : 'RECORD_PRODUCE_FAILED',
    `The broker refused ${batch.recordCount} record(s) of ${batch.bytes.length} bytes for ${place(partition)} with ${error.name}: ${said}` +
      (tooLarge ? "; raise the topic's max.message.bytes or write smaller records" : ''),
    {
      details: {
        topic: partition.topic,
        partition: partition.partition,
        recordCount: batch.recordCount,
        sizeBytes: batch.bytes.length,
        kafkaError: error.name
      }
    }
  )
}

export function unusableError(partition: TopicPartition, errorCode: number): StreamsError {
  const { name } = kafkaError(errorCode)
  return new StreamsError(
    'TRANSACTION_ABORTED',
    `The broker refused records for ${place(partition)} with ${name}: the transaction must be aborted`,
    { details: { topic: partition.topic, partition: partition.partition, kafkaError: name } }
  )
}

export function unauthorizedError(partition: TopicPartition, errorCode: number): StreamsError {
  const { name } = kafkaError(errorCode)
  return new StreamsError(
    'CLIENT_AUTHORIZATION_FAILED',
    `Writing to ${place(partition)} is not allowed (${name}); grant this client's principal Write on the topic`,
    { details: { topic: partition.topic, partition: partition.partition, kafkaError: name } }
  )
}

function lastAttempt(setback: Setback | undefined): string {
  return setback === undefined ? '' : ` (the last attempt: ${setback.text})`
}

/** @param setback - of the last attempt; undefined where none was answered, or none made. */
export function deliveryTimedOutError(
  { topic, partition }: TopicPartition,
  deliveryTimeoutMs: number,
  setback: Setback | undefined
): StreamsError {
  const { cause, kafkaError: name } = setback ?? {}
  return new StreamsError(
    'PRODUCER_DELIVERY_TIMED_OUT',
    `Records for ${place({ topic, partition })} were not acknowledged within ${deliveryTimeoutMs} ms${lastAttempt(setback)}; ` +
      'see that its leader is reachable and has enough replicas in sync and room for more',
    {
      ...(cause === undefined ? {} : { cause }),
      details: { topic, partition, deliveryTimeoutMs, ...(name === undefined ? {} : { kafkaError: name }) }
    }
  )
}

/** @param timeoutMs - that `close` was given. */
export function closeTimedOutError(unwritten: PartitionQueue, timeoutMs: number | undefined): StreamsError {
  const { topic, partition, setback } = unwritten
  return new StreamsError(
    'PRODUCER_DELIVERY_TIMED_OUT',
    `The producer was closed after ${timeoutMs} ms with records that were not acknowledged, among them some for ` +
      `${place(unwritten)}${lastAttempt(setback)}; they may have arrived. Give close() more time, or none to wait until all are settled`,
    { ...(setback?.cause === undefined ? {} : { cause: setback.cause }), details: { topic, partition, timeoutMs } }
  )
}

export function gapError(partition: TopicPartition): StreamsError {
  return new StreamsError(
    'TRANSACTION_ABORTED',
    `The broker misses earlier records of this transaction in ${place(partition)}: the transaction must be aborted`,
    { details: { topic: partition.topic, partition: partition.partition } }
  )
}

export function fencedError(transactionalId: string | undefined, errorCode: number): StreamsError {
  const { name } = kafkaError(errorCode)
  return new StreamsError(
    'PRODUCER_FENCED',
    `The producer '${transactionalId}' was fenced (${name}): another producer initialised this transactional id, or the transaction ` +
      'exceeded its time-out and the coordinator ended it; reset the producer, which takes the id over again',
    { details: { transactionalId, kafkaError: name } }
  )
}

/** Something that is no answer of Kafka's and no matter of the network. */
export function defectError(cause: unknown): StreamsError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new StreamsError('CLIENT_PROTOCOL_ERROR', `The producer failed: ${what}`, { cause })
}

/** After passing errors for too long: only a new transaction can go on. */
export function additionTimedOutError(transactionalId: string | undefined, cause: StreamsError): StreamsError {
  return new StreamsError(
    'TRANSACTION_ABORTED',
    `The producer${named(transactionalId)} could not add partitions to its transaction in time: the transaction must be aborted`,
    { cause, details: { transactionalId } }
  )
}

export function closedError(transactionalId: string | undefined): StreamsError {
  return new StreamsError('CLIENT_CLOSED', `The producer${named(transactionalId)} is closed; create a new one`)
}

export function commitUnknownError(transactionalId: string | undefined, outcome: Unfinished): StreamsError {
  return new StreamsError(
    'TASK_COMMIT_UNKNOWN',
    `No answer tells whether the transaction of '${transactionalId}' was committed (last: ${lastOf(outcome)}); ` +
      'reset the producer, then read the committed offsets again',
    { cause: outcome.cause, details: { transactionalId } }
  )
}

type Unfinished = Pick<CallOutcome<never>, 'verdict' | 'errorCode' | 'cause'>

/** The error of a coordinator's answer that is no success. `doing` completes "could not …". */
export function coordinatorError(
  outcome: Unfinished,
  doing: string,
  transactionalId: string | undefined
): StreamsError {
  const { verdict, errorCode } = outcome
  if (verdict === 'timed-out' || errorCode === undefined) {
    return new StreamsError(
      'CLIENT_REQUEST_TIMED_OUT',
      `The producer${named(transactionalId)} could not ${doing} in time (last: ${lastOf(outcome)})`,
      {
        cause: outcome.cause,
        details: { transactionalId, kafkaError: errorCode === undefined ? undefined : kafkaError(errorCode).name }
      }
    )
  }
  const { name, message } = kafkaError(errorCode)
  const details = { kafkaError: name, transactionalId }
  switch (verdict) {
    case 'fenced':
      return fencedError(transactionalId, errorCode)
    case 'migrated':
      return new StreamsError(
        'TASK_MIGRATED',
        `The group refused this member's generation (${name}), could not ${doing}; its partitions may be another's already. ` +
          'The transaction is still sound: commit again under a newer generation, or abort',
        { details }
      )
    case 'abort':
      return new StreamsError(
        'TRANSACTION_ABORTED',
        `The producer${named(transactionalId)} could not ${doing} (${name}): the transaction must be aborted`,
        { details }
      )
    case 'metadata-too-large':
      return new StreamsError(
        'TASK_OFFSET_METADATA_INVALID',
        `The broker could not ${doing} because the metadata of an offset is too large; raise offset.metadata.max.bytes`,
        { details }
      )
    case 'unauthorized':
      return new StreamsError(
        'CLIENT_AUTHORIZATION_FAILED',
        `The producer${named(transactionalId)} could not ${doing}: not allowed (${name}); grant this client's principal the right`,
        { details }
      )
    default:
      return new StreamsError(
        'CLIENT_PROTOCOL_ERROR',
        `The producer${named(transactionalId)} could not ${doing}: ${name}, ${message}`,
        { details }
      )
  }
}

export function transactionTimeoutError(
  transactionalId: string | undefined,
  transactionTimeoutMs: number
): StreamsError {
  return new StreamsError(
    'CONFIG_INVALID',
    `The broker refuses transactionTimeoutMs ${transactionTimeoutMs} of the producer${named(transactionalId)}: it is above its ` +
      'transaction.max.timeout.ms, 900,000 unless set otherwise. Lower the first, or raise the second',
    { details: { transactionalId, transactionTimeoutMs } }
  )
}

/** What came of the last attempt. */
function lastOf({ errorCode }: Unfinished): string {
  return errorCode === undefined ? 'no answer' : kafkaError(errorCode).name
}

function named(transactionalId: string | undefined): string {
  return transactionalId === undefined ? '' : ` '${transactionalId}'`
}
