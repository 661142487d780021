import { type TimestampExtractor } from '../../core/index.ts'
import { checkNodeOptions, legalName, type StoreHandle } from '../../topology/index.ts'
import type { DslGraph } from '../graph/dsl-graph.ts'
import { GraphNode } from '../graph/graph-node.ts'
import {
  keyValueHandle,
  keyValueStore,
  MATERIALIZED_OPTIONS,
  type MaterializedOptions,
  storeName
} from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import { TableSourceView } from '../table/table-source.ts'
import type { TableHandle } from '../table-handle.ts'
import { CONSUMED_OPTIONS, type ConsumedOptions } from './stream.ts'

/** How a table is read and stored. */
export interface TableOptions<K, V>
  extends ConsumedOptions<K, V>,
    Pick<MaterializedOptions<K, V>, 'store' | 'caching' | 'changelog' | 'persistent' | 'historyRetention'> {}

/** Documented at `StreamsBuilder.table`. */
export function table<K, V>(
  graph: DslGraph,
  topic: string,
  options: TableOptions<K, V>
): TableHandle<K, V, StoreHandle<K, V, 'timestamped-key-value'>> {
  checkNodeOptions('table()', options, [...CONSUMED_OPTIONS, ...MATERIALIZED_OPTIONS])
  legalName(topic, 'topic')
  const { name: store, isNamed } = storeName(graph, options, `${topic}-`)
  const sourceName = graph.names.suffixedOrGenerate(options.name, '-source', 'KSTREAM-SOURCE-')
  const name = graph.names.orGenerate(options.name, 'KTABLE-SOURCE-')
  const key = resolveSerde<K>('key', options.key, undefined, name, 'table()')
  const value = resolveSerde<V>('value', options.value, undefined, name, 'table()')
  const spec = keyValueStore(store, key, value, options)
  const view = new TableSourceView<K, V>(store, isNamed, spec.historyRetentionMs)
  const node = new GraphNode(name, {
    kind: 'table-source',
    sourceName,
    topic,
    key,
    value,
    timestampExtractor: options.timestampExtractor as TimestampExtractor | undefined,
    offsetReset: options.offsetReset,
    supplier: () => view.createProcessor(),
    store: () => (view.isStored ? spec : undefined),
    reusesTopic: false
  })
  graph.add(node, graph.root)
  return {
    graph,
    node,
    key,
    value,
    sources: new Set([sourceName]),
    view,
    store: isNamed ? keyValueHandle(spec) : undefined
  }
}
