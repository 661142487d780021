import { StreamsError } from '../../core/index.ts'
import type { AnyWindows } from './window-kind.ts'

/**
 * When the results of windows are emitted.
 *
 * - `onWindowUpdate`: each time a window changes. The default.
 * - `onWindowClose`: once, when stream time has passed the window's end and grace.
 *
 * @see Kafka Streams `EmitStrategy`
 */
export type EmitStrategy = 'onWindowUpdate' | 'onWindowClose'

/** @throws StreamsError `TOPOLOGY_WINDOW_INVALID` */
export function checkEmitStrategy(windows: AnyWindows, strategy: EmitStrategy): void {
  if (strategy !== 'onWindowUpdate' && strategy !== 'onWindowClose') {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `emitStrategy() takes 'onWindowUpdate' or 'onWindowClose', not ${JSON.stringify(strategy) ?? String(strategy)}.`
    )
  }
  if (windows.kind === 'unlimited' && strategy === 'onWindowClose') {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      "unlimited windows never close, so nothing would be emitted 'onWindowClose'. Use 'onWindowUpdate', or windows that end."
    )
  }
}
