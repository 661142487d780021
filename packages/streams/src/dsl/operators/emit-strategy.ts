import { type AnyWindows } from '../windowed/window-kind.ts'
import { checkEmitStrategy, type EmitStrategy } from '../windowed/emit-strategy.ts'
import type { WindowedStreamHandle } from './windowed-aggregate.ts'

/**
 * Chooses when the aggregations below emit: on every update of a window, or once it is closed.
 *
 * On close, the results of all keys come in order of (window start, key), for sessions (end, start, key), with their own
 * timestamp and the headers of the record that closed them. A window that stream time leaves behind by more than the
 * store's retention in one jump is never emitted; sessions always are.
 *
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID` for unlimited windows, which never close.
 * @see Kafka Streams `TimeWindowedKStream#emitStrategy`
 */
export function emitStrategy<K, V, W extends AnyWindows>(
  handle: WindowedStreamHandle<K, V, W>,
  strategy: EmitStrategy
): WindowedStreamHandle<K, V, W> {
  checkEmitStrategy(handle.windows, strategy)
  return { ...handle, emits: strategy }
}
