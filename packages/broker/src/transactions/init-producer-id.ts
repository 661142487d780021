import { ErrorCode } from '../error-code.ts'
import { isEpochExhausted, NO_PRODUCER_EPOCH, type ProducerIdentity, type Transaction } from './transaction.ts'

/**
 * Initialises a transactional id that has no transaction running: the next epoch, or the next id.
 *
 * @param expected - What the producer believes to have, when it wants to go on after an error (KIP-360); undefined for a
 *   producer that has just begun, and fences all before it.
 * @returns an error code; with NONE the transaction holds the new identity.
 * @see Kafka `TransactionMetadata#prepareIncrementProducerEpoch`, `#prepareProducerIdRotation`
 */
export function initProducerId(
  transaction: Transaction,
  expected: ProducerIdentity | undefined,
  timeoutMs: number,
  nowMs: number,
  nextProducerId: () => bigint
): number {
  const { producerEpoch } = transaction
  if (isEpochExhausted(producerEpoch) && (expected === undefined || expected.producerEpoch === producerEpoch)) {
    transaction.previousProducerId = transaction.producerId
    transaction.producerId = nextProducerId()
    transaction.lastProducerEpoch = expected === undefined ? NO_PRODUCER_EPOCH : producerEpoch
    transaction.producerEpoch = 0
  } else if (expected === undefined) {
    transaction.lastProducerEpoch = NO_PRODUCER_EPOCH
    transaction.producerEpoch++
  } else if (producerEpoch === NO_PRODUCER_EPOCH || expected.producerEpoch === producerEpoch) {
    transaction.lastProducerEpoch = producerEpoch
    transaction.producerEpoch++
  } else if (expected.producerEpoch !== transaction.lastProducerEpoch) {
    return ErrorCode.PRODUCER_FENCED
  }
  // Else it asks again, for the answer was lost: nobody else came in between, or the last epoch would be -1.
  transaction.timeoutMs = timeoutMs
  transaction.startedAtMs = -1
  transaction.clearPartitions()
  transaction.transitionTo('Empty', nowMs)
  return ErrorCode.NONE
}

/** Whether a producer that says who it is may be the one that has the transactional id. */
export function mayContinue(transaction: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  return (
    transaction.producerEpoch === NO_PRODUCER_EPOCH ||
    producerId === transaction.producerId ||
    // It asks again after its epochs ran out, for the answer with the new id was lost.
    (producerId === transaction.previousProducerId && isEpochExhausted(producerEpoch))
  )
}
