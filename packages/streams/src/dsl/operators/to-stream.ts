import { type Change, type Processor, type ProcessorContext, type StreamRecord } from '../../core/index.ts'
import { checkNodeOptions } from '../../topology/index.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'
import type { TableHandle } from '../table-handle.ts'

/** Documented at `KTable.toStream`. */
export function toStream<K, V>(table: TableHandle<K, V>, options: NamedOptions = {}): StreamHandle<K, V> {
  checkNodeOptions('toStream()', options, ['name'])
  const { graph, key, value, sources } = table
  const name = graph.names.orGenerate(options.name, 'KTABLE-TOSTREAM-')
  const node = new GraphNode(
    name,
    { kind: 'processor', supplier: () => new ToStreamProcessor() },
    { changesValue: false }
  )
  return { graph, node: graph.add(node, table.node), key, value, sources, needsRepartition: false }
}

class ToStreamProcessor<K, V> implements Processor<K, Change<V>, K, V> {
  private context!: ProcessorContext<K, V>

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, timestampMs, headers } = record
    this.context.forward({ key, value: record.value.after as V, timestampMs, headers })
  }
}
