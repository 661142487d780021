import {
  type SessionWindows,
  type SlidingWindows,
  StreamsError,
  type TimeWindows,
  type UnlimitedWindows
} from '../../core/index.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import type { AnyWindows } from '../windowed/window-kind.ts'
import type { WindowedStreamHandle } from './windowed-aggregate.ts'

const KINDS: readonly string[] = ['time', 'sliding', 'unlimited', 'session'] satisfies AnyWindows['kind'][]

/** Windows whose length does not depend on the records. */
export type FixedWindows = TimeWindows | SlidingWindows | UnlimitedWindows

/** Documented at `KGroupedStream.windowedBy`. */
export function windowedBy<K, V, W extends FixedWindows | SessionWindows>(
  grouped: GroupedStreamHandle<K, V>,
  windows: W
): WindowedStreamHandle<K, V, W> {
  checkWindows(windows)
  return { grouped, windows, emits: 'onWindowUpdate' }
}

/** @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function checkWindows(windows: AnyWindows): void {
  if (!KINDS.includes(windows?.kind)) {
    throw new StreamsError('TOPOLOGY_WINDOW_INVALID', "windowedBy() takes windows, for example tumbling('5m').")
  }
}
