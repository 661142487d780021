/** Node fires a timer that is to take longer at once. */
const LONGEST_DELAY_MS = 2_147_483_647

/** Runs `callback` once after `delayMs`, in real time, as the sockets do. Returns a function that cancels it. */
export function startTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS))
  timer.unref()
  return () => clearTimeout(timer)
}
