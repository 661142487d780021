import {
  type Change,
  murmur3,
  type Processor,
  type ProcessorContext,
  type Serde,
  type SerdeContext,
  type StreamRecord
} from '../../core/index.ts'
import {
  ANSWER_ALWAYS,
  ANSWER_IF_FOUND,
  DELETE_AND_ANSWER,
  DELETE_SILENTLY,
  foreignKeyContext,
  hashContext,
  type Instruction,
  type Subscription
} from './subscription.ts'

export interface SubscriptionSenderOptions<K, V, KO> {
  readonly foreignKey: (key: K, value: V) => KO | null | undefined
  readonly foreignKeySerde: Serde<KO>
  readonly valueSerde: Serde<V>
  readonly isLeft: boolean
  readonly skipsOutOfOrder: boolean
  /** Of the registrations, without the application id. */
  readonly topic: string
}

/**
 * Turns the changes of the first table into subscriptions under the foreign keys.
 *
 * @see Kafka Streams `SubscriptionSendProcessorSupplier`
 */
export class SubscriptionSender<K, V, KO> implements Processor<K, Change<V>, KO | null, Subscription<K>> {
  private readonly options: SubscriptionSenderOptions<K, V, KO>
  private context!: ProcessorContext<KO | null, Subscription<K>>
  private hashed!: SerdeContext
  private compared!: SerdeContext

  constructor(options: SubscriptionSenderOptions<K, V, KO>) {
    this.options = options
  }

  init(context: ProcessorContext<KO | null, Subscription<K>>): void {
    this.context = context
    const topic = `${context.applicationId}-${this.options.topic}`
    this.hashed = hashContext(topic)
    this.compared = foreignKeyContext(topic)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change } = record
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    if (this.options.skipsOutOfOrder && !change.isLatest) {
      this.context.drop('late')
      return
    }
    const { before, after } = change
    if (before === null && after === null) return
    const oldKey = before === null ? null : (this.options.foreignKey(key, before) ?? null)
    const newKey = after === null ? null : (this.options.foreignKey(key, after) ?? null)
    const hash = after === null ? null : murmur3(this.options.valueSerde.serialize(after, this.hashed))

    if (this.options.isLeft) {
      if (oldKey !== null && !this.areEqual(oldKey, newKey)) this.send(record, oldKey, DELETE_SILENTLY, hash)
      this.send(record, newKey, ANSWER_ALWAYS, hash)
      return
    }
    if (newKey === null) {
      if (after !== null) this.context.drop('null-key')
      if (oldKey !== null) this.send(record, oldKey, DELETE_AND_ANSWER, hash)
      return
    }
    if (oldKey !== null && !this.areEqual(oldKey, newKey)) {
      this.send(record, oldKey, DELETE_SILENTLY, hash)
      // Also if nothing is found: it takes back the result that the old key may have given.
      this.send(record, newKey, ANSWER_ALWAYS, hash)
    } else this.send(record, newKey, ANSWER_IF_FOUND, hash)
  }

  private send(
    { key, timestampMs, headers }: StreamRecord<K, Change<V>>,
    foreignKey: KO | null,
    instruction: Instruction,
    hash: Uint8Array | null
  ): void {
    const value = { hash, instruction, primaryKey: key, primaryPartition: this.context.partition }
    this.context.forward({ key: foreignKey, value, timestampMs, headers })
  }

  /** Keys are equal if their bytes are. */
  private areEqual(a: KO, b: KO | null): boolean {
    if (a === b) return true
    if (b === null) return false
    const bytes = this.options.foreignKeySerde.serialize(a, this.compared)
    const others = this.options.foreignKeySerde.serialize(b, this.compared)
    return bytes.length === others.length && bytes.every((byte, index) => byte === others[index])
  }
}
