import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import { sameRecords, type StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.filter`. */
export function filter<K, V>(
  up: StreamHandle<K, V>,
  predicate: (key: K, value: V) => boolean,
  options: NamedOptions = {}
): StreamHandle<K, V> {
  return addFilter('filter', up, predicate, true, options)
}

/** Documented at `KStream.filterNot`. */
export function filterNot<K, V>(
  up: StreamHandle<K, V>,
  predicate: (key: K, value: V) => boolean,
  options: NamedOptions = {}
): StreamHandle<K, V> {
  return addFilter('filterNot', up, predicate, false, options)
}

function addFilter<K, V>(
  operator: string,
  up: StreamHandle<K, V>,
  predicate: (key: K, value: V) => boolean,
  passes: boolean,
  options: NamedOptions
): StreamHandle<K, V> {
  checkFunction(operator, 'predicate', predicate)
  const supplier = () => new FilterProcessor(predicate, passes)
  const node = addStep(up, { operator, prefix: 'KSTREAM-FILTER-', options, supplier })
  return sameRecords(up, node)
}

class FilterProcessor<K, V> implements Processor<K, V, K, V> {
  private readonly predicate: (key: K, value: V) => boolean
  private readonly passes: boolean
  private context!: ProcessorContext<K, V>

  constructor(predicate: (key: K, value: V) => boolean, passes: boolean) {
    this.predicate = predicate
    this.passes = passes
  }

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    if (Boolean(this.predicate(record.key, record.value)) === this.passes) this.context.forward(record)
  }
}
