import { ListTransactions } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Lists transactional ids. Patterns are JavaScript's regular expressions where Kafka takes RE2's. */
export const listTransactions: Handler<typeof ListTransactions> = {
  api: ListTransactions,
  versions: [0, 2],
  handle({ stateFilters, producerIdFilters, durationFilterMs, transactionalIdPattern }, { broker }) {
    const pattern = patternOf(transactionalIdPattern)
    if (pattern === undefined) {
      return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, unknownStateFilters: [], transactionStates: [] }
    }
    const filter = { states: stateFilters, producerIds: producerIdFilters, durationMs: durationFilterMs, pattern }
    return { errorCode: ErrorCode.NONE, ...broker.transactions.list(filter) }
  }
}

/** Matches whole ids; null lets all pass, undefined is no pattern. */
function patternOf(text: string | null): RegExp | null | undefined {
  if (text === null || text === '') return null
  try {
    return new RegExp(`^(?:${text})$`, 'u')
  } catch {
    return undefined
  }
}
