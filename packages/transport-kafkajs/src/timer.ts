/** Runs `callback` once after `delayMs`, in real time, as the sockets do. Returns a function that cancels it. */
export function startTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
