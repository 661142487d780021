import type { Serde } from '../core/index.ts'
import type { DslGraph } from './graph/dsl-graph.ts'
import type { GraphNode } from './graph/graph-node.ts'

/** What operators know of a stream: where it comes from, and how its records are written if they must be. */
export interface StreamHandle<K, V> {
  readonly graph: DslGraph
  readonly node: GraphNode
  /** Undefined when an operator may have changed the type and was not told the new serde. */
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
  /** Names of the sources above, up to the last repartition topic. */
  readonly sources: ReadonlySet<string>
  /** The key may have changed: grouping and joining need a repartition topic first. */
  readonly needsRepartition: boolean
  /** The repartition topic that an earlier join of this very stream made, to be shared by later ones. */
  joinRepartition?: GraphNode
}

export interface GroupedStreamHandle<K, V> {
  readonly upstream: StreamHandle<K, V>
  /** Given by the user; names the repartition topic, which all aggregations then share. */
  readonly name: string | undefined
  repartition?: GraphNode
}

/** The handle of an operator that leaves keys and values alone. */
export function sameRecords<K, V>(up: StreamHandle<K, V>, node: GraphNode): StreamHandle<K, V> {
  const { graph, key, value, sources, needsRepartition } = up
  return { graph, node, key, value, sources, needsRepartition }
}
