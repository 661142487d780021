import { checkOptions } from '../../core/index.ts'
import type { NamedOptions } from '../materialized.ts'
import type { ExactSerde } from '../sink-serde.ts'
import type { GroupedStreamHandle, StreamHandle } from '../stream-handle.ts'

export interface GroupedOptions<K, V> extends NamedOptions {
  /** Names the repartition topic, if one is needed: `<applicationId>-<name>-repartition`. Aggregations then share it. */
  readonly name?: string | undefined
  /** For the repartition topic and the store; default: the stream's. */
  readonly key?: ExactSerde<K> | undefined
  /** For the repartition topic; default: the stream's. */
  readonly value?: ExactSerde<V> | undefined
}

export const GROUPED_OPTIONS: readonly string[] = ['name', 'key', 'value']

/**
 * Groups records by their key. An operator above that may have changed the key makes each aggregation below go through a
 * repartition topic.
 *
 * @see Kafka Streams `KStream#groupByKey`
 */
export function groupByKey<K, V>(
  up: StreamHandle<K, V>,
  options: GroupedOptions<K, V> = {}
): GroupedStreamHandle<K, V> {
  checkOptions('groupByKey()', options, GROUPED_OPTIONS)
  return { upstream: withSerdes(up, options), name: options.name }
}

export function withSerdes<K, V>(up: StreamHandle<K, V>, options: GroupedOptions<K, V>): StreamHandle<K, V> {
  return { ...up, key: options.key ?? up.key, value: options.value ?? up.value } as StreamHandle<K, V>
}
