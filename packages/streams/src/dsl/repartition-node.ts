import type { Serde } from '../core/index.ts'
import { legalName, type StreamPartitioner } from '../topology/index.ts'
import type { DslGraph } from './graph/dsl-graph.ts'
import { GraphNode } from './graph/graph-node.ts'
import { resolveSerde } from './resolve-serde.ts'

const SUFFIX = '-repartition'

export interface RepartitionNodeOptions<K, V> {
  /** The topic is `<applicationId>-<prefix>-repartition`. */
  readonly prefix: string
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
  /** The call to which the serdes can be given. */
  readonly where: string
  readonly partitionCount?: number | undefined
  readonly partitioner?: StreamPartitioner<K, V> | undefined
  readonly isMergeable: boolean
}

/**
 * A repartition topic with its sink and source, not yet added to the graph.
 *
 * @see Kafka Streams `KStreamImpl#createRepartitionedSource`
 */
export function repartitionNode<K, V>(graph: DslGraph, options: RepartitionNodeOptions<K, V>): GraphNode {
  const { prefix } = options
  const suffix = legalName(prefix.endsWith(SUFFIX) ? prefix : prefix + SUFFIX, 'repartition topic')
  // The numbers are used up whether the names are used or not.
  const generated = {
    sink: graph.names.processor('KSTREAM-SINK-'),
    filter: graph.names.processor('KSTREAM-FILTER-'),
    source: graph.names.processor('KSTREAM-SOURCE-')
  }
  const isGenerated = /^KSTREAM.*-[0-9]{10}$/.test(prefix)
  const sourceName = isGenerated ? generated.source : `${suffix}-source`
  return new GraphNode(sourceName, {
    kind: 'repartition',
    filterName: isGenerated ? generated.filter : `${suffix}-filter`,
    sinkName: isGenerated ? generated.sink : `${suffix}-sink`,
    suffix,
    key: resolveSerde('key', undefined, options.key, sourceName, options.where),
    value: resolveSerde('value', undefined, options.value, sourceName, options.where),
    partitionCount: options.partitionCount,
    partitioner: options.partitioner,
    isMergeable: options.isMergeable
  })
}
