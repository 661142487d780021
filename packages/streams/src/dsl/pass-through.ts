import type { Processor, ProcessorContext, StreamRecord } from '../core/index.ts'

/** Forwards every record: the node of a branch, or of a merge. */
export class PassThrough<K, V> implements Processor<K, V, K, V> {
  private context!: ProcessorContext<K, V>

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    this.context.forward(record)
  }
}
