import { checkNodeOptions } from '../../topology/index.ts'
import type { NamedOptions } from '../materialized.ts'
import type { WiderSerde } from '../sink-serde.ts'
import type { GroupedStreamHandle, StreamHandle } from '../stream-handle.ts'

/** `KG` and `VG` are what the serdes read, where they are given. */
export interface GroupedOptions<K, V, KG = K, VG = V> extends NamedOptions {
  /** Names the repartition topic, if one is needed: `<applicationId>-<name>-repartition`. Aggregations then share it. */
  readonly name?: string | undefined
  /** For the repartition topic and the store; default: the stream's. */
  readonly key?: WiderSerde<K, KG> | undefined
  /** For the repartition topic; default: the stream's. */
  readonly value?: WiderSerde<V, VG> | undefined
}

export const GROUPED_OPTIONS: readonly string[] = ['name', 'key', 'value']

/** Documented at `KStream.groupByKey`. */
export function groupByKey<K, V, KG = K, VG = V>(
  up: StreamHandle<K, V>,
  options: GroupedOptions<K, V, KG, VG> = {}
): GroupedStreamHandle<KG, VG> {
  checkNodeOptions('groupByKey()', options, GROUPED_OPTIONS)
  return { upstream: withSerdes(up, options), name: options.name }
}

export function withSerdes<K, V, KG, VG>(
  up: StreamHandle<K, V>,
  options: GroupedOptions<K, V, KG, VG>
): StreamHandle<KG, VG> {
  return { ...up, key: options.key ?? up.key, value: options.value ?? up.value } as unknown as StreamHandle<KG, VG>
}
