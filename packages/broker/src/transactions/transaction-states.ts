/**
 * The states of a transactional id, in Kafka's words, as DescribeTransactions shows them.
 *
 * Empty: initialised, no transaction. Ongoing: one runs. PrepareCommit, PrepareAbort: decided, markers are being written;
 * nothing turns the decision. CompleteCommit, CompleteAbort: the markers are written. Kafka's PrepareEpochFence lasts no
 * time here, and its Dead is the absence of the id.
 */
export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

/** From which states each state is entered. */
export const ENTERED_FROM: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  // Also without a transaction: under transactions v2 an abort of nothing raises the epoch.
  PrepareAbort: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort']
}

/** Names by which DescribeTransactions and ListTransactions know states, those that never show here among them. */
export const STATE_NAMES: ReadonlySet<string> = new Set([...Object.keys(ENTERED_FROM), 'Dead', 'PrepareEpochFence'])
