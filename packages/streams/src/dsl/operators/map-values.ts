import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.mapValues`. */
export function mapValues<K, V, VR>(
  up: StreamHandle<K, V>,
  mapper: (value: V, key: K) => VR,
  options: NamedOptions = {}
): StreamHandle<K, VR> {
  checkFunction('mapValues', 'mapper', mapper)
  const supplier = () => new MapValuesProcessor(mapper)
  const traits = { changesValue: true }
  const node = addStep(up, { operator: 'mapValues', prefix: 'KSTREAM-MAPVALUES-', options, supplier, traits })
  const { graph, sources, key, needsRepartition } = up
  return { graph, node, sources, key, value: undefined, needsRepartition }
}

class MapValuesProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly mapper: (value: V, key: K) => VR
  private context!: ProcessorContext<K, VR>

  constructor(mapper: (value: V, key: K) => VR) {
    this.mapper = mapper
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const { key } = record
    const value = (this.mapper(record.value, key) ?? null) as VR
    this.context.forward({ key, value, timestampMs: record.timestampMs, headers: record.headers })
  }
}
