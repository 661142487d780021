import type { Clock } from '@millrace/streams/ports'

/** Resolves after at least `delayMs` of the clock's time. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    clock.setTimer(delayMs, resolve)
  })
}
