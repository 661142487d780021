import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.flatMapValues`. */
export function flatMapValues<K, V, VR>(
  up: StreamHandle<K, V>,
  mapper: (value: V, key: K) => Iterable<VR>,
  options: NamedOptions = {}
): StreamHandle<K, VR> {
  checkFunction('flatMapValues', 'mapper', mapper)
  const supplier = () => new FlatMapValuesProcessor(mapper)
  const traits = { changesValue: true }
  const node = addStep(up, { operator: 'flatMapValues', prefix: 'KSTREAM-FLATMAPVALUES-', options, supplier, traits })
  const { graph, sources, key, needsRepartition } = up
  return { graph, node, sources, key, value: undefined, needsRepartition }
}

class FlatMapValuesProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly mapper: (value: V, key: K) => Iterable<VR>
  private context!: ProcessorContext<K, VR>

  constructor(mapper: (value: V, key: K) => Iterable<VR>) {
    this.mapper = mapper
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const { key, timestampMs, headers } = record
    for (const value of this.mapper(record.value, key)) {
      this.context.forward({ key, value: (value ?? null) as VR, timestampMs, headers })
    }
  }
}
