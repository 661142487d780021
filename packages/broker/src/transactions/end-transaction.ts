import { ErrorCode } from '../error-code.ts'
import { isEpochExhausted, NO_PRODUCER_ID, type ProducerIdentity, type Transaction } from './transaction.ts'

/** What is to be done about an EndTxn: an answer at once, or the end of a transaction. */
export type EndVerdict = { readonly errorCode: number } | { readonly begin: 'PrepareCommit' | 'PrepareAbort' }

/**
 * Judges an EndTxn. The epoch tells a repeated request from the next one where each end raises it (transactions v2);
 * without that, the state has to.
 *
 * @see Kafka `TransactionCoordinator#endTransaction`
 */
export function judgeEnd(
  transaction: Transaction,
  { producerId, producerEpoch }: ProducerIdentity,
  committed: boolean,
  usesV2: boolean
): EndVerdict {
  const overflowed =
    usesV2 &&
    transaction.previousProducerId === producerId &&
    isEpochExhausted(producerEpoch) &&
    transaction.producerEpoch === 0
  const raised = usesV2 && transaction.producerEpoch === producerEpoch + 1
  const isRepeated = overflowed || raised
  if (transaction.producerId !== producerId && !overflowed) return { errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING }
  if (!hasValidEpoch(transaction, producerEpoch, isRepeated, usesV2)) {
    return { errorCode: ErrorCode.PRODUCER_FENCED }
  }
  switch (transaction.state) {
    case 'Ongoing':
      return { begin: committed ? 'PrepareCommit' : 'PrepareAbort' }
    case 'PrepareCommit':
    case 'PrepareAbort': {
      const isSame = committed === (transaction.state === 'PrepareCommit')
      return { errorCode: isSame ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE }
    }
    case 'CompleteCommit':
    case 'CompleteAbort': {
      const isSame = committed === (transaction.state === 'CompleteCommit')
      if (!usesV2 || isRepeated) return { errorCode: isSame ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE }
      return committed ? { errorCode: ErrorCode.INVALID_TXN_STATE } : { begin: 'PrepareAbort' }
    }
    case 'Empty':
      // The producer may have begun one that never got here: raising the epoch makes sure that nothing of it will.
      return usesV2 && !committed ? { begin: 'PrepareAbort' } : { errorCode: ErrorCode.INVALID_TXN_STATE }
  }
}

/** Whoever speaks v1 is held to the epoch that it has; under v2 an end that was decided has raised it already. */
function hasValidEpoch(transaction: Transaction, producerEpoch: number, isRepeated: boolean, usesV2: boolean): boolean {
  if (transaction.isIn('Ongoing', 'Empty')) return producerEpoch === transaction.producerEpoch
  if (isRepeated) return true
  return producerEpoch === transaction.producerEpoch && !(usesV2 && transaction.isEnding)
}

/** Decides: from now on the transaction ends this way, whatever happens. Under v2 in the next epoch. */
export function prepareEnd(
  transaction: Transaction,
  state: 'PrepareCommit' | 'PrepareAbort',
  raisesEpoch: boolean,
  nowMs: number,
  nextProducerId: () => bigint
): void {
  if (!transaction.isIn('Ongoing')) transaction.startedAtMs = nowMs
  if (raisesEpoch) {
    if (isEpochExhausted(transaction.producerEpoch)) transaction.nextProducerId = nextProducerId()
    transaction.lastProducerEpoch = transaction.producerEpoch
    transaction.producerEpoch++
  }
  transaction.transitionTo(state, nowMs)
}

/** The markers are written: the transaction is over, and a used-up producer id with it. */
export function completeEnd(transaction: Transaction, nowMs: number): void {
  transaction.transitionTo(transaction.isIn('PrepareCommit') ? 'CompleteCommit' : 'CompleteAbort', nowMs)
  transaction.clearPartitions()
  if (transaction.nextProducerId === NO_PRODUCER_ID) return
  transaction.previousProducerId = transaction.producerId
  transaction.lastProducerEpoch = transaction.producerEpoch
  transaction.producerId = transaction.nextProducerId
  transaction.producerEpoch = 0
  transaction.nextProducerId = NO_PRODUCER_ID
}
