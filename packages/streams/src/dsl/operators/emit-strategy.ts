import { type AnyWindows } from '../windowed/window-kind.ts'
import { checkEmitStrategy, type EmitStrategy } from '../windowed/emit-strategy.ts'
import type { WindowedStreamHandle } from './windowed-aggregate.ts'

/** Documented at `TimeWindowedKStream.emitStrategy` and `SessionWindowedKStream.emitStrategy`. */
export function emitStrategy<K, V, W extends AnyWindows>(
  handle: WindowedStreamHandle<K, V, W>,
  strategy: EmitStrategy
): WindowedStreamHandle<K, V, W> {
  checkEmitStrategy(handle.windows, strategy)
  return { ...handle, emits: strategy }
}
