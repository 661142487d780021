import type { Serde } from '../core/index.ts'
import type { StoreHandle } from '../topology/index.ts'
import type { DslGraph } from './graph/dsl-graph.ts'
import type { GraphNode } from './graph/graph-node.ts'
import type { TableView } from './table/table-view.ts'

/** What operators know of a table. */
export interface TableHandle<K, V, H extends AnyStoreHandle = AnyStoreHandle> {
  readonly graph: DslGraph
  readonly node: GraphNode
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
  readonly sources: ReadonlySet<string>
  readonly view: TableView<K, V>
  /** Set when the user named the store. */
  readonly store: H | undefined
}

export type AnyStoreHandle = StoreHandle<any, any>

export interface GroupedTableHandle<K, V> {
  readonly graph: DslGraph
  readonly node: GraphNode
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
  readonly name: string | undefined
  repartition?: GraphNode
}
