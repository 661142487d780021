import type { Serde } from '../core/index.ts'
import { repartitionNode } from './repartition-node.ts'
import type { StreamHandle } from './stream-handle.ts'

export interface JoinRepartition<K, V> {
  readonly operator: string
  /** Of the user's; joins of the same stream share the repartition topic, unless they give it names. */
  readonly prefix: string | undefined
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
}

/**
 * The stream to be joined: behind a repartition topic if its key may have changed.
 *
 * @see Kafka Streams `KStreamImpl#repartitionForJoin`
 */
export function joinableStream<K, V>(stream: StreamHandle<K, V>, options: JoinRepartition<K, V>): StreamHandle<K, V> {
  if (!stream.needsRepartition) return stream
  const { graph } = stream
  const { operator, prefix = stream.node.name, key = stream.key, value = stream.value } = options
  const fresh = repartitionNode(graph, { prefix, key, value, where: `${operator}()`, isMergeable: true })
  if (stream.joinRepartition === undefined || prefix !== stream.node.name) {
    stream.joinRepartition = graph.add(fresh, stream.node)
  }
  const node = stream.joinRepartition
  // The generated name of the source is used up by each join, and only that of the first is in force.
  return { graph, node, key, value, sources: new Set([node.name]), needsRepartition: false }
}
