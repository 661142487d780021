import { StreamsError } from '../../core/index.ts'
import { checkNodeOptions, legalName, type StreamPartitioner } from '../../topology/index.ts'
import type { NamedOptions } from '../materialized.ts'
import { repartitionNode } from '../repartition-node.ts'
import type { WiderSerde } from '../sink-serde.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** `KW` and `VW` are what the serdes read, where they are given. */
export interface RepartitionedOptions<K, V, KW = K, VW = V> extends NamedOptions {
  /** Names the topic, `<applicationId>-<name>-repartition`, and the nodes around it. */
  readonly name?: string | undefined
  /** Default: the stream's. */
  readonly key?: WiderSerde<K, KW> | undefined
  /** Default: the stream's. */
  readonly value?: WiderSerde<V, VW> | undefined
  /** Default: the largest count of the topics read above. */
  readonly partitionCount?: number | undefined
  /** Default: murmur2 of the key's bytes, as Java's producer. */
  readonly partitioner?: StreamPartitioner<K, V> | undefined
}

/** Documented at `KStream.repartition`. */
export function repartition<K, V, KW = K, VW = V>(
  up: StreamHandle<K, V>,
  options: RepartitionedOptions<K, V, KW, VW> = {}
): StreamHandle<KW, VW> {
  checkNodeOptions('repartition()', options, ['name', 'key', 'value', 'partitionCount', 'partitioner'])
  const { graph } = up
  const { partitionCount, partitioner } = options
  if (partitionCount !== undefined && !(Number.isSafeInteger(partitionCount) && partitionCount > 0)) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `repartition() needs a partitionCount above 0, not ${String(partitionCount)}.`
    )
  }
  const key = options.key ?? up.key
  const value = options.value ?? up.value
  const node = repartitionNode<any, any>(graph, {
    prefix:
      options.name === undefined
        ? graph.names.processor('KSTREAM-REPARTITION-')
        : graph.names.give(legalName(options.name, 'node')),
    key,
    value,
    where: 'repartition()',
    partitionCount,
    partitioner,
    isMergeable: false
  })
  graph.add(node, up.node)
  return {
    graph,
    node,
    key: key as StreamHandle<KW, VW>['key'],
    value: value as StreamHandle<KW, VW>['value'],
    sources: new Set([node.name]),
    needsRepartition: false
  }
}
