import { type KafkaError, kafkaError } from '@millrace/protocol'
import { type ErrorCode, StreamsError } from '@millrace/streams/core'
import { KafkaErrorCode } from '../kafka-error-code.ts'

/**
 * Whether asking again may help. A broker that did not expect an error itself may be on its way out, or be replaced; Java's clients
 * list offsets again then, too. What is asked for so must be harmless to ask for twice.
 */
export function isPassing(errorCode: number): boolean {
  return kafkaError(errorCode).retriable || isUnexpected(errorCode)
}

export function isUnexpected(errorCode: number): boolean {
  return errorCode === KafkaErrorCode.UNKNOWN_SERVER_ERROR
}

/** A broker's refusal that concerns one topic, in words that say what to do. */
export function topicError(
  fallback: ErrorCode,
  doing: string,
  topic: string,
  errorCode: number,
  brokerMessage: string | null
): StreamsError {
  const error = kafkaError(errorCode)
  const { code, advice } = topicAdvice(error, doing, fallback)
  const said = brokerMessage === null || brokerMessage === '' ? error.message : brokerMessage
  return new StreamsError(
    code,
    `${doing} topic '${topic}' failed: ${error.name}, ${said.replace(/\.$/, '')}. ${advice}`,
    { details: { topic, kafkaError: error.name, kafkaErrorCode: errorCode, brokerMessage } }
  )
}

/** The right that a request needs, by what it does. */
const RIGHTS: Readonly<Record<string, string>> = { Creating: 'Create', Deleting: 'Delete' }

function topicAdvice(
  error: KafkaError,
  doing: string,
  fallback: ErrorCode
): { readonly code: ErrorCode; readonly advice: string } {
  switch (error.name) {
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'CLUSTER_AUTHORIZATION_FAILED':
      return {
        code: 'CLIENT_AUTHORIZATION_FAILED',
        advice: `Grant ${RIGHTS[doing] ?? 'the operation'} on this topic to the user the client authenticates as.`
      }
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return { code: 'TOPIC_MISSING', advice: 'Create the topic, or correct its name.' }
    case 'INVALID_REPLICATION_FACTOR':
      return {
        code: fallback,
        advice: 'Choose a replication factor no larger than the number of brokers, or start more brokers.'
      }
    case 'INVALID_PARTITIONS':
      return { code: fallback, advice: 'Choose a partition count of at least 1 that the broker allows.' }
    case 'INVALID_TOPIC_EXCEPTION':
      return { code: fallback, advice: "Use letters, digits, '.', '_' and '-', at most 249 characters." }
    case 'INVALID_CONFIG':
      return { code: fallback, advice: 'Correct the topic config that the broker names.' }
    case 'POLICY_VIOLATION':
      return {
        code: fallback,
        advice: "Create the topic by hand as the cluster's policy wants it, or ask its operator."
      }
    default:
      return { code: fallback, advice: "The broker's log says more." }
  }
}

/** A coordinator's refusal that concerns one group. */
export function groupRequestError(doing: string, groupId: string, errorCode: number): StreamsError {
  const error = kafkaError(errorCode)
  const details = { groupId, kafkaError: error.name, kafkaErrorCode: errorCode }
  const what = `${doing} group '${groupId}' failed: ${error.name}, ${error.message}.`
  switch (error.name) {
    case 'GROUP_AUTHORIZATION_FAILED':
      return new StreamsError(
        'CLIENT_AUTHORIZATION_FAILED',
        `${what} Grant access to this group to the user the client authenticates as.`,
        { details }
      )
    case 'NON_EMPTY_GROUP':
      return new StreamsError('GROUP_NOT_EMPTY', `${what} Stop its members first.`, { details })
    default:
      if (error.retriable) return new StreamsError('CLIENT_REQUEST_FAILED', `${what} Try again later.`, { details })
      return new StreamsError('CLIENT_PROTOCOL_ERROR', `${what} The broker's log says more.`, { details })
  }
}
