import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import { sameRecords, type StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.peek`. */
export function peek<K, V>(
  up: StreamHandle<K, V>,
  action: (key: K, value: V) => void,
  options: NamedOptions = {}
): StreamHandle<K, V> {
  checkFunction('peek', 'action', action)
  const supplier = () => new PeekProcessor(action)
  const node = addStep(up, { operator: 'peek', prefix: 'KSTREAM-PEEK-', options, supplier })
  return sameRecords(up, node)
}

class PeekProcessor<K, V> implements Processor<K, V, K, V> {
  private readonly action: (key: K, value: V) => void
  private context!: ProcessorContext<K, V>

  constructor(action: (key: K, value: V) => void) {
    this.action = action
  }

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    this.action(record.key, record.value)
    this.context.forward(record)
  }
}
