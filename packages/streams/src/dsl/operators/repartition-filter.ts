import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'

/** Stands before a repartition topic and, unless a left join below wants them, drops records without a key. */
export class RepartitionFilter<K, V> implements Processor<K, V, K, V> {
  private readonly dropsNullKeys: boolean
  private context!: ProcessorContext<K, V>

  constructor(dropsNullKeys: boolean) {
    this.dropsNullKeys = dropsNullKeys
  }

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    if (this.dropsNullKeys && record.key === null) this.context.drop('null-key')
    else this.context.forward(record)
  }
}
