import type { OrderedKeyValueStore, Processor, ProcessorContext, Serde, StreamRecord } from '../../core/index.ts'
import { DELETE_AND_ANSWER, DELETE_SILENTLY, type Subscription, SubscriptionKeys } from './subscription.ts'

export interface SubscriptionStoreUse<K, KO> {
  readonly storeName: string
  readonly foreignKeySerde: Serde<KO>
  readonly primaryKeySerde: Serde<K>
  /** Of the registrations, without the application id. */
  readonly topic: string
}

export type SubscriptionStore<K> = OrderedKeyValueStore<Uint8Array, Subscription<K>>

/**
 * Stores subscriptions beside the other table, and passes them on to be answered.
 *
 * @see Kafka Streams `SubscriptionReceiveProcessorSupplier`
 */
export class SubscriptionReceiver<K, KO> implements Processor<KO | null, Subscription<K>, KO | null, Subscription<K>> {
  private readonly use: SubscriptionStoreUse<K, KO>
  private context!: ProcessorContext<KO | null, Subscription<K>>
  private store!: SubscriptionStore<K>
  private keys!: SubscriptionKeys<K, KO>

  constructor(use: SubscriptionStoreUse<K, KO>) {
    this.use = use
  }

  init(context: ProcessorContext<KO | null, Subscription<K>>): void {
    this.context = context
    this.store = context.getStateStore(this.use.storeName)
    this.keys = subscriptionKeys(this.use, context)
  }

  process(record: StreamRecord<KO | null, Subscription<K>>): void {
    const { key, value: subscription } = record
    // A null foreign key has no row to wait for, but a left join must hear that.
    if (key !== null) {
      const { instruction, primaryKey } = subscription
      const isDeletion = instruction === DELETE_SILENTLY || instruction === DELETE_AND_ANSWER
      this.store.put(this.keys.keyBytes(key, primaryKey), isDeletion ? null : subscription)
    }
    this.context.forward(record)
  }
}

export function subscriptionKeys<K, KO>(
  use: SubscriptionStoreUse<K, KO>,
  context: ProcessorContext<any, any>
): SubscriptionKeys<K, KO> {
  return new SubscriptionKeys(use.foreignKeySerde, use.primaryKeySerde, `${context.applicationId}-${use.topic}`)
}
