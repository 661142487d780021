import { type TimestampExtractor } from '../../core/index.ts'
import { checkNodeOptions, legalName, type StoreHandle } from '../../topology/index.ts'
import type { DslGraph } from '../graph/dsl-graph.ts'
import { GraphNode } from '../graph/graph-node.ts'
import { keyValueStore, MATERIALIZED_OPTIONS, type MaterializedOptions, storeName } from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import { TableSourceView } from '../table/table-source.ts'
import { CONSUMED_OPTIONS, type ConsumedOptions } from './stream.ts'

/** How a global table is read and stored. */
export interface GlobalTableOptions<K, V>
  extends Omit<ConsumedOptions<K, V>, 'offsetReset'>,
    Pick<MaterializedOptions<K, V>, 'store' | 'persistent'> {}

/** What joins know of a global table. */
export interface GlobalTableHandle<K, V> {
  readonly graph: DslGraph
  readonly nodeName: string
  readonly storeName: string
  /** Set when the user named the store. */
  readonly store: StoreHandle<K, V, 'timestamped-key-value'> | undefined
}

const GLOBAL_TABLE_OPTIONS = [
  ...CONSUMED_OPTIONS.filter(name => name !== 'offsetReset'),
  ...MATERIALIZED_OPTIONS.filter(name => name === 'store' || name === 'persistent')
]

/** Documented at `StreamsBuilder.globalTable`. */
export function globalTable<K, V>(
  graph: DslGraph,
  topic: string,
  options: GlobalTableOptions<K, V>
): GlobalTableHandle<K, V> {
  checkNodeOptions('globalTable()', options, GLOBAL_TABLE_OPTIONS)
  legalName(topic, 'topic')
  const { name: store, isNamed } = storeName(graph, options, `${topic}-`)
  const sourceName = graph.names.suffixedOrGenerate(options.name, '-source', 'KSTREAM-SOURCE-')
  const name = graph.names.orGenerate(options.name, 'KTABLE-SOURCE-')
  const key = resolveSerde<K>('key', options.key, undefined, name, 'globalTable()')
  const value = resolveSerde<V>('value', options.value, undefined, name, 'globalTable()')
  const view = new TableSourceView<K, V>(store, true)
  const node = new GraphNode(name, {
    kind: 'global-table-source',
    sourceName,
    topic,
    key,
    value,
    timestampExtractor: options.timestampExtractor as TimestampExtractor | undefined,
    supplier: () => view.createProcessor(),
    store: keyValueStore(store, key, value, options)
  })
  graph.add(node, graph.root)
  const handle = isNamed ? { name: store, kind: 'timestamped-key-value' as const } : undefined
  return { graph, nodeName: name, storeName: store, store: handle }
}
