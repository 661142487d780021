import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Kills a server when this process is gone, even by `kill -9`: only then the pipe to the watchdog closes. Whoever ends the server
 * kills the watchdog first.
 *
 * @param wipeDir - removed with it; empty: nothing is.
 */
export function startWatchdog(pid: number, wipeDir: string): ChildProcess {
  const script = 'cat >/dev/null; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || { sleep 1; rm -rf "$2"; }'
  const watchdog = spawn('sh', ['-c', script, 'watchdog', String(pid), wipeDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore']
  })
  watchdog.unref()
  return watchdog
}
