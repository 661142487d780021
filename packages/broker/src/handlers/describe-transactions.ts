import { DescribeTransactions } from '@millrace/protocol'
import type { Handler } from './handler.ts'

/** Describes transactional ids. */
export const describeTransactions: Handler<typeof DescribeTransactions> = {
  api: DescribeTransactions,
  versions: [0, 0],
  handle: ({ transactionalIds }, { broker }) => ({
    transactionStates: transactionalIds.map(id => broker.transactions.describe(id))
  })
}
