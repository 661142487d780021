import {
  type Headers,
  murmur3,
  type Processor,
  type ProcessorContext,
  type Serde,
  type SerdeContext,
  type StreamRecord
} from '../../core/index.ts'
import type { TableReader, TableReaderSupplier } from '../table/table-view.ts'
import { DELETED_FOREIGN_KEY, foreignKeyContext, hashContext, type SubscriptionAnswer } from './subscription.ts'

export interface AnswerResolverOptions<K, V, KO, VO, VR> {
  readonly table: TableReaderSupplier<K, V>
  readonly valueSerde: Serde<V>
  readonly foreignKey: (key: K, value: V) => KO | null | undefined
  readonly foreignKeySerde: Serde<KO>
  readonly joiner: (value: V, other: VO | null, key: K) => VR
  readonly isLeft: boolean
  /** Of the registrations, without the application id. */
  readonly topic: string
}

/**
 * Joins an answer with the row that asked, unless that has changed meanwhile: then another answer is under way.
 *
 * But there is none for a row that asks for what is not there. So an answer that tells of a deletion counts for the changed row
 * too, as long as that refers to the same key: what comes from there comes in order.
 *
 * @see Kafka Streams `ResponseJoinProcessorSupplier`
 */
export class AnswerResolver<K, V, KO, VO, VR> implements Processor<K, SubscriptionAnswer<VO>, K, VR | null> {
  private readonly options: AnswerResolverOptions<K, V, KO, VO, VR>
  private readonly table: TableReader<K, V>
  private context!: ProcessorContext<K, VR | null>
  private hashed!: SerdeContext
  private compared!: SerdeContext

  constructor(options: AnswerResolverOptions<K, V, KO, VO, VR>) {
    this.options = options
    this.table = options.table.create()
  }

  init(context: ProcessorContext<K, VR | null>): void {
    this.context = context
    this.table.init(context)
    const topic = `${context.applicationId}-${this.options.topic}`
    this.hashed = hashContext(topic)
    this.compared = foreignKeyContext(topic)
  }

  process(record: StreamRecord<K, SubscriptionAnswer<VO>>): void {
    const { key, value: answer, timestampMs } = record
    const deletedKey = deletedForeignKey(record.headers)
    const headers = deletedKey === undefined ? record.headers : record.headers.slice(0, -1)
    // Not a newer one: it may end in the cache, and then no other answer would come.
    const row = this.table.getForwarded(key)
    if (!this.isCurrent(answer, row?.value)) {
      if (row !== undefined && deletedKey !== undefined && this.needs(deletedKey, key, row.value)) {
        this.context.forward({ key, value: null, timestampMs, headers })
      } else this.context.drop('expired')
      return
    }
    const isJoined = row !== undefined && (this.options.isLeft || answer.foreignValue !== null)
    const value = isJoined ? (this.options.joiner(row.value, answer.foreignValue, key) ?? null) : null
    this.context.forward({ key, value, timestampMs, headers })
  }

  close(): void {
    this.table.close?.()
  }

  /** Whether the row has no result without the row of that key. */
  private needs(foreignKeyBytes: Uint8Array, key: K, value: V): boolean {
    if (this.options.isLeft) return false
    const foreignKey = this.options.foreignKey(key, value) ?? null
    if (foreignKey === null) return false
    const bytes = this.options.foreignKeySerde.serialize(foreignKey, this.compared)
    return Buffer.compare(bytes, foreignKeyBytes) === 0
  }

  private isCurrent({ hash }: SubscriptionAnswer<VO>, value: V | undefined): boolean {
    if (hash === null || value === undefined) return hash === null && value === undefined
    const current = murmur3(this.options.valueSerde.serialize(value, this.hashed))
    return Buffer.compare(current, hash) === 0
  }
}

/** It was added last. */
function deletedForeignKey(headers: Headers): Uint8Array | undefined {
  const last = headers.at(-1)
  return last?.[0] === DELETED_FOREIGN_KEY && last[1] !== null ? last[1] : undefined
}
