import { innerKeySerde, murmur2Partition, type Serde, type Windowed } from '../../core/index.ts'
import {
  checkNodeOptions,
  legalOutputTopic,
  type StreamPartitioner,
  type TopicNameExtractor
} from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { SinkSerde } from '../sink-serde.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** How a topic is written. */
export interface ProducedOptions<K, V> extends NamedOptions {
  /** Needed where the stream's own key serde is not known: after `map`, `flatMap`, `selectKey`, `merge`. */
  readonly key?: SinkSerde<NonNullable<K>> | undefined
  /** Needed where the stream's own value serde is not known: after operators that change values. */
  readonly value?: SinkSerde<NonNullable<V>> | undefined
  /** Default: murmur2 of the key's bytes, as Java's producer; windowed keys by the key inside. */
  readonly partitioner?: StreamPartitioner<K, V> | undefined
}

/** Documented at `KStream.to`. */
export function to<K, V>(
  up: StreamHandle<K, V>,
  topic: string | TopicNameExtractor<K, V>,
  options: ProducedOptions<K, V> = {}
): void {
  checkNodeOptions('to()', options, ['name', 'key', 'value', 'partitioner'])
  if (typeof topic === 'string') legalOutputTopic(topic)
  else checkFunction('to', 'topic', topic)
  const name = up.graph.names.orGenerate(options.name, 'KSTREAM-SINK-')
  const key = resolveSerde('key', options.key, up.key, name, 'to()')
  const value = resolveSerde('value', options.value, up.value, name, 'to()')
  const inner = innerKeySerde(key as Serde<unknown>)
  const partitioner = options.partitioner ?? (inner === undefined ? undefined : byInnerKey(inner))
  up.graph.add(new GraphNode(name, { kind: 'sink', topic, key, value, partitioner }), up.node)
}

/** All windows of a key go to the partition of the key. */
function byInnerKey(inner: Serde<unknown>): StreamPartitioner {
  return (topic: string, key: Windowed<unknown> | null, _value: unknown, partitionCount: number) =>
    key === null ? undefined : murmur2Partition(inner.serialize(key.key, { topic, isKey: true }), partitionCount)
}
