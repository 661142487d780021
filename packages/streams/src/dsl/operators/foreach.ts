import type { Processor, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.foreach`. */
export function foreach<K, V>(
  up: StreamHandle<K, V>,
  action: (key: K, value: V) => void,
  options: NamedOptions = {}
): void {
  checkFunction('foreach', 'action', action)
  addStep(up, {
    operator: 'foreach',
    prefix: 'KSTREAM-FOREACH-',
    options,
    supplier: () => new ForeachProcessor(action)
  })
}

class ForeachProcessor<K, V> implements Processor<K, V, never, never> {
  private readonly action: (key: K, value: V) => void

  constructor(action: (key: K, value: V) => void) {
    this.action = action
  }

  process(record: StreamRecord<K, V>): void {
    this.action(record.key, record.value)
  }
}
