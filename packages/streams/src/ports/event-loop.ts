/** Lets pending I/O callbacks and timers run: heartbeats and fetches go on while records are processed. */
export interface EventLoop {
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>
  /** Keeps the process from ending, although nothing may be connected just now, until the returned function is called. */
  holdOpen(): () => void
}
