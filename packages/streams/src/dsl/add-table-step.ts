import type { Change, Processor } from '../core/index.ts'
import { legalName, type StoreHandle, type StoreSpec } from '../topology/index.ts'
import { GraphNode } from './graph/graph-node.ts'
import {
  checkMaterialized,
  isMaterialized,
  keyValueStore,
  type MaterializedOptions,
  refuseHistory
} from './materialized.ts'
import { resolveSerde } from './resolve-serde.ts'
import { storeReader } from './table/store-reader.ts'
import type { TableReaderSupplier, TableView } from './table/table-view.ts'
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
  /** Asked once the node has its name. */
  view(parent: TableHandle<K, V>, storeName: string | undefined): DerivedView<K, V, VR>
}

/**
 * A table that is computed from its parent. It may have a store of its own; without one, a look-up goes to the parent.
 *
 * @see Kafka Streams `KTableProcessorSupplier`
 */
export abstract class DerivedView<K, V, VR> implements TableView<K, VR> {
  protected readonly parent: TableView<K, V>
  protected readonly storeName: string | undefined
  sendsOldValues = false

  constructor(parent: TableView<K, V>, storeName: string | undefined) {
    this.parent = parent
    this.storeName = storeName
  }

  /** A store of its own keeps no history, whatever the parent does. */
  get isVersioned(): boolean {
    return this.storeName === undefined && this.parent.isVersioned === true
  }

  get historyRetentionMs(): number | undefined {
    return this.storeName === undefined ? this.parent.historyRetentionMs : undefined
  }

  reader(): TableReaderSupplier<K, VR> {
    return this.storeName === undefined ? this.computedReader(this.parent.reader()) : storeReader(this.storeName)
  }

  sendOldValues(force: boolean): boolean {
    if (this.storeName !== undefined || this.parent.sendOldValues(force)) this.sendsOldValues = true
    return this.sendsOldValues
  }

  abstract createProcessor(): Processor<K, Change<V>, K, Change<VR>>
  protected abstract computedReader(parent: TableReaderSupplier<K, V>): TableReaderSupplier<K, VR>
}

/** Adds the node of a table computed from another. It is stored only under a name. */
export function addTableStep<K, V, VR>(
  table: TableHandle<K, V>,
  computation: RowComputation<K, V, VR>,
  options: MaterializedOptions<K, VR>
): TableHandle<K, VR, DerivedHandle<K, VR>> {
  const { operator, prefix, keepsValues, uses } = computation
  checkMaterialized(`${operator}()`, options)
  const { graph, sources } = table
  // As in Kafka Streams, which has an overload with Materialized: without a store name it only uses up a number. Not in
  // transformValues().
  if (isMaterialized(options) && options.store === undefined && uses === undefined) graph.names.store(prefix)
  const name = graph.names.orGenerate(options.name, prefix)
  refuseHistory(`${operator}() of a table`, name, options)
  const key = (options.key ?? table.key) as TableHandle<K, VR>['key']
  const value = (options.value ?? (keepsValues ? table.value : undefined)) as TableHandle<K, VR>['value']
  const view = computation.view(table, options.store)
  const spec =
    options.store === undefined
      ? undefined
      : keyValueStore(
          legalName(options.store, 'store'),
          resolveSerde('key', options.key, table.key, name, `${operator}()`),
          resolveSerde('value', options.value, value, name, `${operator}()`),
          options
        )
  const connected = uses?.filter(store => typeof store === 'string') ?? []
  const stores = uses?.filter(store => typeof store !== 'string') ?? []
  if (spec !== undefined) stores.push(spec)
  const supplier = () => view.createProcessor()
  const node = new GraphNode(name, { kind: 'processor', supplier, stores: () => stores, connected })
  graph.add(node, table.node)
  const store = spec === undefined ? undefined : { name: spec.name, kind: 'timestamped-key-value' as const }
  return { graph, node, key, value, sources, view, store }
}
