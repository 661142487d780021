/** Lets pending I/O callbacks and timers run: heartbeats and fetches go on while records are processed. */
export interface EventLoop {
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>
}
