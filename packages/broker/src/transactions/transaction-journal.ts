import { type TopicPartition, Transaction } from './transaction.ts'
import type { TransactionState } from './transaction-states.ts'

/** What the transaction coordinator writes down. Producer ids are decimal text. */
export type TransactionEntry = TransactionSaved | TransactionForgotten | ProducerIdsReserved

export interface TransactionSaved {
  readonly kind: 'transaction'
  readonly transactionalId: string
  readonly producerId: string
  readonly previousProducerId: string
  readonly nextProducerId: string
  readonly producerEpoch: number
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly startedAtMs: number
  readonly updatedAtMs: number
  readonly state: TransactionState
  readonly partitions: readonly TopicPartition[]
}

export interface TransactionForgotten {
  readonly kind: 'transaction-forgotten'
  readonly transactionalId: string
}

/** Ids below `end` may have been given out. */
export interface ProducerIdsReserved {
  readonly kind: 'producer-ids'
  readonly end: string
}

export function transactionEntry(transaction: Transaction): TransactionSaved {
  return {
    kind: 'transaction',
    transactionalId: transaction.transactionalId,
    producerId: String(transaction.producerId),
    previousProducerId: String(transaction.previousProducerId),
    nextProducerId: String(transaction.nextProducerId),
    producerEpoch: transaction.producerEpoch,
    lastProducerEpoch: transaction.lastProducerEpoch,
    timeoutMs: transaction.timeoutMs,
    startedAtMs: transaction.startedAtMs,
    updatedAtMs: transaction.updatedAtMs,
    state: transaction.state,
    partitions: transaction.partitions
  }
}

export function transactionOf(entry: TransactionSaved): Transaction {
  const { transactionalId, timeoutMs, updatedAtMs } = entry
  const transaction = new Transaction(transactionalId, BigInt(entry.producerId), timeoutMs, updatedAtMs)
  transaction.previousProducerId = BigInt(entry.previousProducerId)
  transaction.nextProducerId = BigInt(entry.nextProducerId)
  transaction.producerEpoch = entry.producerEpoch
  transaction.lastProducerEpoch = entry.lastProducerEpoch
  transaction.startedAtMs = entry.startedAtMs
  transaction.restoreState(entry.state)
  transaction.addPartitions(entry.partitions)
  return transaction
}
