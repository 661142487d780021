import type { EventLoop } from './event-loop.ts'

const LONG_MS = 2 ** 30

/** Node's own event loop: a later turn begins after pending I/O callbacks have run. */
export const systemEventLoop: EventLoop = {
  nextTurn: () => new Promise(resolve => void setImmediate(resolve)),
  holdOpen() {
    const timer = setInterval(() => {}, LONG_MS)
    return () => clearInterval(timer)
  }
}
