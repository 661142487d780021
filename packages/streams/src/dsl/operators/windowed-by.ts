import { StreamsError, type TimeWindows } from '../../core/index.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import type { TimeWindowedStreamHandle } from './windowed-aggregate.ts'

/**
 * Divides each group into windows of event time: `tumbling('5m')`, `hopping('5m', { advance: '1m' })`.
 *
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `KGroupedStream#windowedBy`
 */
export function windowedBy<K, V>(
  grouped: GroupedStreamHandle<K, V>,
  windows: TimeWindows
): TimeWindowedStreamHandle<K, V> {
  if (windows?.kind !== 'time') {
    throw new StreamsError('TOPOLOGY_WINDOW_INVALID', "windowedBy() takes windows, for example tumbling('5m').")
  }
  return { grouped, windows }
}
