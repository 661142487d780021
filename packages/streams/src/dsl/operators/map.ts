import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.map`. */
export function map<K, V, KR, VR>(
  up: StreamHandle<K, V>,
  mapper: (key: K, value: V) => readonly [KR, VR],
  options: NamedOptions = {}
): StreamHandle<KR, VR> {
  checkFunction('map', 'mapper', mapper)
  const supplier = () => new MapProcessor(mapper)
  const node = addStep(up, { operator: 'map', prefix: 'KSTREAM-MAP-', options, supplier, traits: { changesKey: true } })
  const { graph, sources } = up
  return { graph, node, sources, key: undefined, value: undefined, needsRepartition: true }
}

class MapProcessor<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  private readonly mapper: (key: K, value: V) => readonly [KR, VR]
  private context!: ProcessorContext<KR, VR>

  constructor(mapper: (key: K, value: V) => readonly [KR, VR]) {
    this.mapper = mapper
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const pair = this.mapper(record.key, record.value)
    this.context.forward({
      key: (pair[0] ?? null) as KR,
      value: (pair[1] ?? null) as VR,
      timestampMs: record.timestampMs,
      headers: record.headers
    })
  }
}
