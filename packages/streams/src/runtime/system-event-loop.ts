import { setImmediate } from 'node:timers/promises'
import type { EventLoop } from '../ports/index.ts'

/** Node's own event loop: a later turn begins after pending I/O callbacks have run. */
export const systemEventLoop: EventLoop = {
  nextTurn: () => setImmediate()
}
