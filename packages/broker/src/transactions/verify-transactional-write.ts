import { ErrorCode } from '../error-code.ts'
import type { ProducerIdentity, TopicPartition } from './transaction.ts'

/**
 * What the sender of a transactional write can do (KIP-890): `add`, its write adds the partition to the transaction
 * (transactions v2); `abortable`, the partition must be there, and it knows the error that asks it to abort; `plain`, it
 * does not know that error.
 */
export type WriterAbility = 'add' | 'abortable' | 'plain'

/** The part of `TransactionCoordinator` that is asked. */
export interface PartitionVerifier {
  addPartitions(transactionalId: string, producer: ProducerIdentity, partitions: readonly TopicPartition[]): number
  verifyPartition(transactionalId: string, producer: ProducerIdentity, partition: TopicPartition): number
}

/**
 * Whether a producer's transaction may write to a partition, or to the offsets of a group. With `add` it may after this.
 *
 * @returns an error code in the words of Produce and TxnOffsetCommit.
 * @see Kafka `AddPartitionsToTxnManager`, `ReplicaManager#handleProduceAppend`
 */
export function verifyTransactionalWrite(
  transactions: PartitionVerifier,
  transactionalId: string,
  producer: ProducerIdentity,
  partition: TopicPartition,
  ability: WriterAbility
): number {
  const errorCode =
    ability === 'add'
      ? transactions.addPartitions(transactionalId, producer, [partition])
      : transactions.verifyPartition(transactionalId, producer, partition)
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH
    case ErrorCode.TRANSACTION_ABORTABLE:
      return ability === 'plain' ? ErrorCode.INVALID_TXN_STATE : errorCode
    default:
      return errorCode
  }
}
