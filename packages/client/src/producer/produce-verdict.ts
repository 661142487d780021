import { kafkaError } from '@millrace/protocol'

/**
 * What a Produce error means for the batch it answers.
 *
 * - `acknowledged`: written, now or by an earlier attempt.
 * - `retry`: passing; or nobody knows whether it was written, and sending it again under its sequence is right in both cases.
 * - `retry-soon`: the coordinator is still ending the transaction before, which takes milliseconds.
 * - `retry-elsewhere`: after a look at the metadata.
 * - `sequence`: the broker misses what came before it.
 * - `too-large`: refused, not written; smaller batches may pass.
 * - `refused`: refused, not written, for what its records hold.
 * - `fenced`: another producer has the transactional id, or the broker ended our transaction and raised the epoch.
 * - `abort`: the transaction cannot go on, the producer can.
 * - `unauthorized`, `failed`: no attempt will succeed.
 */
export type ProduceVerdict =
  | 'acknowledged'
  | 'retry'
  | 'retry-soon'
  | 'retry-elsewhere'
  | 'sequence'
  | 'too-large'
  | 'refused'
  | 'fenced'
  | 'abort'
  | 'unauthorized'
  | 'failed'

/** By Kafka's error names; retriable ones that are absent are `retry`, others `failed`. */
const VERDICTS: { readonly [name: string]: ProduceVerdict } = {
  NONE: 'acknowledged',
  // Its sequences were passed long ago: only an earlier attempt of ours can have written it.
  DUPLICATE_SEQUENCE_NUMBER: 'acknowledged',
  CONCURRENT_TRANSACTIONS: 'retry-soon',
  UNKNOWN_TOPIC_OR_PARTITION: 'retry-elsewhere',
  LEADER_NOT_AVAILABLE: 'retry-elsewhere',
  NOT_LEADER_OR_FOLLOWER: 'retry-elsewhere',
  REPLICA_NOT_AVAILABLE: 'retry-elsewhere',
  BROKER_NOT_AVAILABLE: 'retry-elsewhere',
  KAFKA_STORAGE_ERROR: 'retry-elsewhere',
  FENCED_LEADER_EPOCH: 'retry-elsewhere',
  UNKNOWN_LEADER_EPOCH: 'retry-elsewhere',
  UNKNOWN_TOPIC_ID: 'retry-elsewhere',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'sequence',
  UNKNOWN_PRODUCER_ID: 'sequence',
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  INVALID_RECORD: 'refused',
  INVALID_TIMESTAMP: 'refused',
  INVALID_PRODUCER_EPOCH: 'fenced',
  PRODUCER_FENCED: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
  INVALID_TXN_STATE: 'abort',
  TRANSACTION_ABORTABLE: 'abort',
  TOPIC_AUTHORIZATION_FAILED: 'unauthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'unauthorized'
}

export function produceVerdict(code: number): ProduceVerdict {
  const error = kafkaError(code)
  return VERDICTS[error.name] ?? (error.retriable ? 'retry' : 'failed')
}
