import { StreamsError } from '@millrace/streams/core'
import type { TopicPartition } from '@millrace/streams/ports'
import type { TopicMetadata } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import type { FetchEntry } from './fetch-request.ts'

/** What a refused partition's reader is told; undefined when asking again may help. */
export function fatalRefusal({ partition, fetchOffset }: FetchEntry, errorCode: number): StreamsError | undefined {
  const { topic, partition: index } = partition
  const details = { topic, partition: index, offset: fetchOffset }
  switch (errorCode) {
    case KafkaErrorCode.TOPIC_AUTHORIZATION_FAILED:
      return new StreamsError(
        'CLIENT_AUTHORIZATION_FAILED',
        `Topic '${topic}' may not be read by this user. Grant READ on it.`,
        { details }
      )
    case KafkaErrorCode.CORRUPT_MESSAGE:
      return new StreamsError(
        'RECORD_CORRUPT',
        `The broker finds the batch at offset ${fetchOffset} of topic '${topic}', partition ${index}, corrupt. ` +
          'Restore it from another replica, or go on behind it.',
        { details }
      )
    default:
      return undefined
  }
}

export function outOfRange(
  entry: FetchEntry,
  range: { readonly logStartOffset: number; readonly highWatermark: number }
): StreamsError {
  const { partition, fetchOffset } = entry
  const { topic, partition: index } = partition
  let what = 'is gone'
  if (isOfAnotherLog(entry)) what = 'is of another log, for the topic was deleted and made anew'
  else if (fetchOffset > range.highWatermark) what = 'is not there, or not any more'
  return new StreamsError(
    'CLIENT_OFFSET_OUT_OF_RANGE',
    `Offset ${fetchOffset} of topic '${topic}', partition ${index}, ${what}: the log holds ` +
      `${range.logStartOffset} to ${range.highWatermark}. Choose an offset in that range to go on from.`,
    { details: { topic, partition: index, offset: fetchOffset, ...range } }
  )
}

/** What was read has an epoch that no leader of this log has reached: the broker has checked the one that it was told. */
export function isOfAnotherLog({ fetchedEpoch, leaderEpoch }: FetchEntry): boolean {
  return leaderEpoch >= 0 && fetchedEpoch > leaderEpoch
}

/** @param divergentOffset - Where what was read and what the leader has now part ways. */
export function truncated({ partition, fetchOffset, fetchedEpoch }: FetchEntry, divergentOffset: number): StreamsError {
  const { topic, partition: index } = partition
  return new StreamsError(
    'CLIENT_LOG_TRUNCATED',
    `Topic '${topic}', partition ${index}, has lost records that were read already, from offset ${divergentOffset} up to ${fetchOffset}: a ` +
      'broker without them became its leader (an unclean election, or a disk that forgot). ' +
      `Go on from offset ${divergentOffset} to read what was written in their place.`,
    { details: { topic, partition: index, offset: fetchOffset, leaderEpoch: fetchedEpoch, divergentOffset } }
  )
}

/** What no broker and no network did will not pass. */
export function defect(cause: unknown): StreamsError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new StreamsError('CLIENT_PROTOCOL_ERROR', `Fetching failed: ${what}`, { cause })
}

export function missing({ topic, partition }: TopicPartition, metadata: TopicMetadata | undefined): StreamsError {
  const what =
    metadata === undefined
      ? `Topic '${topic}' does not exist`
      : `Topic '${topic}' has ${metadata.partitions.length} partitions and no partition ${partition}`
  return new StreamsError('TOPIC_MISSING', `${what}. Create it; topics are never created by reading.`, {
    details: { topic, partition }
  })
}
