import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.flatMap`. */
export function flatMap<K, V, KR, VR>(
  up: StreamHandle<K, V>,
  mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>,
  options: NamedOptions = {}
): StreamHandle<KR, VR> {
  checkFunction('flatMap', 'mapper', mapper)
  const supplier = () => new FlatMapProcessor(mapper)
  const traits = { changesKey: true }
  const node = addStep(up, { operator: 'flatMap', prefix: 'KSTREAM-FLATMAP-', options, supplier, traits })
  const { graph, sources } = up
  return { graph, node, sources, key: undefined, value: undefined, needsRepartition: true }
}

class FlatMapProcessor<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  private readonly mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>
  private context!: ProcessorContext<KR, VR>

  constructor(mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>) {
    this.mapper = mapper
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const { timestampMs, headers } = record
    for (const pair of this.mapper(record.key, record.value)) {
      const key = (pair[0] ?? null) as KR
      this.context.forward({ key, value: (pair[1] ?? null) as VR, timestampMs, headers })
    }
  }
}
