import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, int64, string } from '../schema/field.ts'

/** Lists the transactional ids of one coordinator. 1: filter by duration. 2: filter by a pattern of ids (RE2). */
export const ListTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(bigint64()),
    /** Only transactions that have run for longer; -1: all. */
    durationFilterMs: int64({ from: 1, default: -1 }),
    transactionalIdPattern: string({ from: 2, nullable: true, default: null })
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    /** Filters that name no state. */
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: bigint64(),
      transactionState: string()
    })
  }
})
