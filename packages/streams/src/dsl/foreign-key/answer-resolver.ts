import { murmur3, type Processor, type ProcessorContext, type Serde, type StreamRecord } from '../../core/index.ts'
import type { TableReader, TableReaderSupplier } from '../table/table-view.ts'
import type { SubscriptionAnswer } from './subscription.ts'

export interface AnswerResolverOptions<K, V, VO, VR> {
  readonly table: TableReaderSupplier<K, V>
  readonly valueSerde: Serde<V>
  readonly joiner: (value: V, other: VO | null, key: K) => VR
  readonly isLeft: boolean
  /** Of the registrations, without the application id. */
  readonly topic: string
}

/**
 * Joins an answer with the row that asked, unless that has changed meanwhile: then another answer is under way.
 *
 * @see Kafka Streams `ResponseJoinProcessorSupplier`
 */
export class AnswerResolver<K, V, VO, VR> implements Processor<K, SubscriptionAnswer<VO>, K, VR | null> {
  private readonly options: AnswerResolverOptions<K, V, VO, VR>
  private readonly table: TableReader<K, V>
  private context!: ProcessorContext<K, VR | null>
  private hashTopic = ''

  constructor(options: AnswerResolverOptions<K, V, VO, VR>) {
    this.options = options
    this.table = options.table.create()
  }

  init(context: ProcessorContext<K, VR | null>): void {
    this.context = context
    this.table.init(context)
    this.hashTopic = `${context.applicationId}-${this.options.topic}-vh`
  }

  process(record: StreamRecord<K, SubscriptionAnswer<VO>>): void {
    const { key, value: answer, timestampMs, headers } = record
    // Not a newer one: it may end in the cache, and then no other answer would come.
    const row = this.table.getForwarded(key)
    if (!this.isCurrent(answer, row?.value)) {
      this.context.drop('expired')
      return
    }
    const isJoined = row !== undefined && (this.options.isLeft || answer.foreignValue !== null)
    const value = isJoined ? (this.options.joiner(row.value, answer.foreignValue, key) ?? null) : null
    this.context.forward({ key, value, timestampMs, headers })
  }

  private isCurrent({ hash }: SubscriptionAnswer<VO>, value: V | undefined): boolean {
    if (hash === null || value === undefined) return hash === null && value === undefined
    const current = murmur3(this.options.valueSerde.serialize(value, { topic: this.hashTopic, isKey: false }))
    return Buffer.compare(current, hash) === 0
  }
}
