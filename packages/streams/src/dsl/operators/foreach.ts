import type { Processor, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/**
 * Calls a function for each record; nothing comes after it. Under any guarantee the function may see a record again after a
 * failure.
 *
 * @param action - Synchronous: a promise it returns is not awaited.
 * @see Kafka Streams `KStream#foreach`
 */
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
