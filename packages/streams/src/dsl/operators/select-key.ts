import type { Processor, ProcessorContext, Serde, StreamRecord } from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** Documented at `KStream.selectKey`. */
export function selectKey<K, V, KR>(
  up: StreamHandle<K, V>,
  mapper: (key: K, value: V) => KR,
  options: NamedOptions = {}
): StreamHandle<KR, V> {
  return withNewKey(up, addKeySelection('selectKey', up, mapper, options), undefined)
}

/** The node of `selectKey`, which `groupBy` begins with too. */
export function addKeySelection<K, V, KR>(
  operator: string,
  up: StreamHandle<K, V>,
  mapper: (key: K, value: V) => KR,
  options: NamedOptions
): GraphNode {
  checkFunction(operator, 'key selector', mapper)
  const supplier = () => new SelectKeyProcessor(mapper)
  return addStep(up, { operator, prefix: 'KSTREAM-KEY-SELECT-', options, supplier, traits: { changesKey: true } })
}

export function withNewKey<V, KR>(
  up: StreamHandle<any, V>,
  node: GraphNode,
  key: Serde<KR> | undefined
): StreamHandle<KR, V> {
  const { graph, sources, value } = up
  return { graph, node, sources, key, value, needsRepartition: true }
}

class SelectKeyProcessor<K, V, KR> implements Processor<K, V, KR, V> {
  private readonly mapper: (key: K, value: V) => KR
  private context!: ProcessorContext<KR, V>

  constructor(mapper: (key: K, value: V) => KR) {
    this.mapper = mapper
  }

  init(context: ProcessorContext<KR, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    const { value } = record
    const key = (this.mapper(record.key, value) ?? null) as KR
    this.context.forward({ key, value, timestampMs: record.timestampMs, headers: record.headers })
  }
}
