import { checkNodeOptions } from '../../topology/index.ts'
import type { GroupedStreamHandle, StreamHandle } from '../stream-handle.ts'
import { GROUPED_OPTIONS, type GroupedOptions, withSerdes } from './group-by-key.ts'
import { addKeySelection, withNewKey } from './select-key.ts'

/** Documented at `KStream.groupBy`. */
export function groupBy<K, V, KR, KG = KR, VG = V>(
  up: StreamHandle<K, V>,
  selector: (key: K, value: V) => KR,
  options: GroupedOptions<KR, V, KG, VG> = {}
): GroupedStreamHandle<KG, VG> {
  checkNodeOptions('groupBy()', options, GROUPED_OPTIONS)
  const node = addKeySelection('groupBy', up, selector, { name: options.name })
  return { upstream: withSerdes(withNewKey<V, KR>(up, node, undefined), options), name: options.name }
}
