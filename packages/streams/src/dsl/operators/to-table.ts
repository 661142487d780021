import type { Serde } from '../../core/index.ts'
import type { StoreHandle } from '../../topology/index.ts'
import { GraphNode } from '../graph/graph-node.ts'
import {
  checkMaterialized,
  keyValueHandle,
  keyValueStore,
  type MaterializedOptions,
  storeName
} from '../materialized.ts'
import { repartitionNode } from '../repartition-node.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { WiderSerde } from '../sink-serde.ts'
import type { StreamHandle } from '../stream-handle.ts'
import { TableSourceView } from '../table/table-source.ts'
import type { TableHandle } from '../table-handle.ts'

/** `KW` and `VW` are what the serdes read, where they are given. */
export interface ToTableOptions<K, V, KW = K, VW = V> extends Omit<MaterializedOptions<K, V>, 'key' | 'value'> {
  /** Default: the stream's. Needed where an operator above may have changed the type. */
  readonly key?: WiderSerde<K, KW> | undefined
  /** Default: the stream's. Needed where an operator above may have changed the type. */
  readonly value?: WiderSerde<V, VW> | undefined
}

const PREFIX = 'KSTREAM-TOTABLE-'

/** Documented at `KStream.toTable`. */
export function toTable<K, V, KW = K, VW = V>(
  up: StreamHandle<K, V>,
  options: ToTableOptions<K, V, KW, VW> = {}
): TableHandle<KW, VW, StoreHandle<KW, VW, 'timestamped-key-value'>> {
  checkMaterialized('toTable()', options)
  const { graph } = up
  const name = graph.names.orGenerate(options.name, PREFIX)
  const { name: store, isNamed } = storeName(graph, options, PREFIX)
  const key = resolveSerde<KW>('key', options.key, up.key as Serde<KW> | undefined, name, 'toTable()')
  const value = resolveSerde<VW>('value', options.value, up.value as Serde<VW> | undefined, name, 'toTable()')

  let parent = up.node
  let { sources } = up
  if (up.needsRepartition) {
    parent = repartitionNode(graph, { prefix: name, key, value, where: 'toTable()', isMergeable: true })
    graph.add(parent, up.node)
    sources = new Set([parent.name])
  }

  const spec = keyValueStore(store, key, value, options)
  const view = new TableSourceView<KW, VW>(store, isNamed, spec.historyRetentionMs)
  const node = new GraphNode(name, {
    kind: 'processor',
    supplier: () => view.createProcessor(),
    stores: () => (view.isStored ? [spec] : [])
  })
  graph.add(node, parent)
  const handle = isNamed ? keyValueHandle<KW, VW>(spec) : undefined
  return { graph, node, key, value, sources, view, store: handle }
}
