import { kafkaError } from '@millrace/protocol'

/**
 * What an error of a transaction's or group's coordinator means, whichever request it answers.
 *
 * - `retry`, `retry-elsewhere` (after looking the coordinator up anew)
 * - `migrated`: the group refused generation or member; the transaction itself is sound.
 * - `fenced`: another producer has the id, or the coordinator ended our transaction and raised the epoch.
 * - `abort`: the transaction cannot be committed.
 */
export type CoordinatorVerdict =
  | 'done'
  | 'retry'
  | 'retry-elsewhere'
  | 'migrated'
  | 'fenced'
  | 'abort'
  | 'metadata-too-large'
  | 'unauthorized'
  | 'failed'

/** By Kafka's error names; retriable ones that are absent are `retry`, others `failed`. */
const VERDICTS: { readonly [name: string]: CoordinatorVerdict } = {
  NONE: 'done',
  COORDINATOR_NOT_AVAILABLE: 'retry-elsewhere',
  NOT_COORDINATOR: 'retry-elsewhere',
  // From one that was replaced while it was frozen, for one. Whether it did what it was asked is open; to ask again is harmless.
  UNKNOWN_SERVER_ERROR: 'retry-elsewhere',
  CONCURRENT_TRANSACTIONS: 'retry',
  // Others of the same request failed; it is retried if they are.
  OPERATION_NOT_ATTEMPTED: 'retry',
  REBALANCE_IN_PROGRESS: 'migrated',
  ILLEGAL_GENERATION: 'migrated',
  UNKNOWN_MEMBER_ID: 'migrated',
  // A generation was named, so the group was there: it has been deleted, or its offsets expired.
  GROUP_ID_NOT_FOUND: 'migrated',
  FENCED_INSTANCE_ID: 'migrated',
  STALE_MEMBER_EPOCH: 'migrated',
  FENCED_MEMBER_EPOCH: 'migrated',
  INVALID_PRODUCER_EPOCH: 'fenced',
  PRODUCER_FENCED: 'fenced',
  // The coordinator has forgotten the id, or gave it a new producer id: only initialising helps, as when fenced.
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
  UNKNOWN_PRODUCER_ID: 'fenced',
  INVALID_TXN_STATE: 'abort',
  TRANSACTION_ABORTABLE: 'abort',
  OFFSET_METADATA_TOO_LARGE: 'metadata-too-large',
  TOPIC_AUTHORIZATION_FAILED: 'unauthorized',
  GROUP_AUTHORIZATION_FAILED: 'unauthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'unauthorized'
}

export function coordinatorVerdict(code: number): CoordinatorVerdict {
  const error = kafkaError(code)
  return VERDICTS[error.name] ?? (error.retriable ? 'retry' : 'failed')
}

/** The code that decides over an answer with one per partition: a final one before a passing one, 0 when all went well. */
export function decidingCode(codes: Iterable<number>): number {
  let deciding = 0
  for (const code of codes) {
    const verdict = coordinatorVerdict(code)
    if (verdict === 'done') continue
    if (verdict !== 'retry' && verdict !== 'retry-elsewhere') return code
    if (deciding === 0 || verdict === 'retry-elsewhere') deciding = code
  }
  return deciding
}
