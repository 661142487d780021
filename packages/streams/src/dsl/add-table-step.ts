import { StreamsError } from '../core/index.ts'
import { legalName, type StoreHandle, type StoreSpec } from '../topology/index.ts'
import { GraphNode } from './graph/graph-node.ts'
import {
  checkMaterialized,
  isMaterialized,
  keyValueHandle,
  keyValueStore,
  type MaterializedOptions
} from './materialized.ts'
import { resolveSerde } from './resolve-serde.ts'
import { ComputedTableView, type RowFunction } from './table/computed-table.ts'
import type { TableHandle } from './table-handle.ts'

export type DerivedHandle<K, V> = StoreHandle<K, V, 'timestamped-key-value'>

/** Computes a table from another, row by row: what `filter`, `mapValues` and `transformValues` have in common. */
export interface RowComputation<K, V, VR> {
  readonly operator: string
  readonly prefix: string
  /** Whether the value serde of the parent fits the result. */
  readonly keepsValues: boolean
  /** Stores that it uses besides the result's, by name or to be added with it. Given also when there are none, if it could. */
  readonly uses?: readonly (string | StoreSpec)[]
  readonly skipsUnknown: boolean
  open(): RowFunction<K, V, VR>
}

/** Adds the node of a table computed from another. It is stored only under a name. */
export function addTableStep<K, V, VR>(
  table: TableHandle<K, V>,
  computation: RowComputation<K, V, VR>,
  options: MaterializedOptions<K, VR>
): TableHandle<K, VR, DerivedHandle<K, VR>> {
  const { operator, prefix, keepsValues, uses, skipsUnknown } = computation
  checkMaterialized(`${operator}()`, options)
  const { graph, sources } = table
  // As in Kafka Streams, which has an overload with Materialized: without a store name it only uses up a number. Not in
  // transformValues().
  if (isMaterialized(options) && options.store === undefined && uses === undefined) graph.names.store(prefix)
  const name = graph.names.orGenerate(options.name, prefix)
  if (options.store === undefined) refuseHistory(operator, name, options)
  const key = (options.key ?? table.key) as TableHandle<K, VR>['key']
  const value = (options.value ?? (keepsValues ? table.value : undefined)) as TableHandle<K, VR>['value']
  const spec =
    options.store === undefined
      ? undefined
      : keyValueStore(
          legalName(options.store, 'store'),
          resolveSerde('key', options.key, table.key, name, `${operator}()`),
          resolveSerde('value', options.value, value, name, `${operator}()`),
          options
        )
  const view = new ComputedTableView<K, V, VR>({
    parent: table.view,
    open: () => computation.open(),
    usedStores: uses?.map(store => (typeof store === 'string' ? store : store.name)) ?? [],
    storeName: spec?.name,
    historyRetentionMs: spec?.historyRetentionMs,
    skipsUnknown
  })
  const connected = uses?.filter(store => typeof store === 'string') ?? []
  const stores = uses?.filter(store => typeof store !== 'string') ?? []
  if (spec !== undefined) stores.push(spec)
  const supplier = () => view.createProcessor()
  const node = new GraphNode(name, { kind: 'processor', supplier, stores: () => stores, connected })
  graph.add(node, table.node)
  const store = spec === undefined ? undefined : keyValueHandle<K, VR>(spec)
  return { graph, node, key, value, sources, view, store }
}

/** @throws StreamsError `TOPOLOGY_INVALID`: a history is kept by a store, and this table has none. */
function refuseHistory(operator: string, node: string, { historyRetention }: MaterializedOptions<any, any>): void {
  if (historyRetention === undefined) return
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `Node '${node}' has a history retention, ${historyRetention}, but no store to keep it in: ${operator}() stores its ` +
      "rows only under a name. Add one, { store: 'name' }, or leave historyRetention out.",
    { details: { node, historyRetention } }
  )
}
