import type { Change, Headers, Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import type { TableReader, TableReaderSupplier } from '../table/table-view.ts'
import {
  ANSWER_ALWAYS,
  ANSWER_IF_FOUND,
  DELETE_AND_ANSWER,
  DELETED_FOREIGN_KEY,
  type Subscription,
  type SubscriptionAnswer,
  type SubscriptionKeys
} from './subscription.ts'
import { type SubscriptionStore, type SubscriptionStoreUse, subscriptionKeys } from './subscription-receiver.ts'

/**
 * Answers a subscription with the row that the other table has now, or, with a cache, last forwarded. The answer has the higher timestamp of both.
 *
 * @see Kafka Streams `SubscriptionJoinProcessorSupplier`
 */
export class SubscriptionAnswerer<K, KO, VO>
  implements Processor<KO | null, Subscription<K>, K, SubscriptionAnswer<VO>>
{
  private readonly foreign: TableReader<KO, VO>
  private context!: ProcessorContext<K, SubscriptionAnswer<VO>>

  constructor(foreign: TableReaderSupplier<KO, VO>) {
    this.foreign = foreign.create()
  }

  init(context: ProcessorContext<K, SubscriptionAnswer<VO>>): void {
    this.context = context
    this.foreign.init(context)
  }

  process(record: StreamRecord<KO | null, Subscription<K>>): void {
    const { hash, instruction, primaryKey, primaryPartition } = record.value
    // Not a newer one: if it ends in the cache, nobody would hear of that.
    const row = record.key === null ? undefined : this.foreign.getForwarded(record.key)
    const isAnswered =
      instruction === DELETE_AND_ANSWER ||
      instruction === ANSWER_ALWAYS ||
      (instruction === ANSWER_IF_FOUND && row !== undefined)
    if (!isAnswered) return
    const foreignValue = row === undefined || instruction === DELETE_AND_ANSWER ? null : row.value
    const timestampMs = row === undefined ? record.timestampMs : Math.max(record.timestampMs, row.timestampMs)
    const value = { hash, foreignValue, primaryPartition }
    this.context.forward({ key: primaryKey, value, timestampMs, headers: record.headers })
  }

  close(): void {
    this.foreign.close?.()
  }
}

/**
 * Tells every subscriber of a changed row its new value, in the order of their keys' bytes.
 *
 * @see Kafka Streams `ForeignTableJoinProcessorSupplier`
 */
export class ForeignChangeAnswerer<K, KO, VO> implements Processor<KO, Change<VO>, K, SubscriptionAnswer<VO>> {
  private readonly use: SubscriptionStoreUse<K, KO>
  private readonly skipsOutOfOrder: boolean
  private context!: ProcessorContext<K, SubscriptionAnswer<VO>>
  private store!: SubscriptionStore<K>
  private keys!: SubscriptionKeys<K, KO>

  constructor(use: SubscriptionStoreUse<K, KO>, skipsOutOfOrder: boolean) {
    this.use = use
    this.skipsOutOfOrder = skipsOutOfOrder
  }

  init(context: ProcessorContext<K, SubscriptionAnswer<VO>>): void {
    this.context = context
    this.store = context.getStateStore(this.use.storeName)
    this.keys = subscriptionKeys(this.use, context)
  }

  process(record: StreamRecord<KO, Change<VO>>): void {
    const { key, value: change, timestampMs } = record
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    if (this.skipsOutOfOrder && !change.isLatest) {
      this.context.drop('late')
      return
    }
    const headers: Headers =
      change.after === null ? [...record.headers, [DELETED_FOREIGN_KEY, this.keys.foreignBytes(key)]] : record.headers
    const subscriptions = this.store.prefixCursor(this.keys.prefixBytes(key))
    while (subscriptions.next()) {
      const { hash, primaryKey, primaryPartition } = subscriptions.value
      const value = { hash, foreignValue: change.after, primaryPartition }
      this.context.forward({ key: primaryKey, value, timestampMs, headers })
    }
  }
}
