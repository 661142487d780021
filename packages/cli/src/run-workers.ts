import type { RunCommand } from './command-line.ts'
import type { CliIo, CliSignal } from './main.ts'
import { RestartPolicy } from './restart-policy.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

const GAVE_UP = 1
const SIGNALS: readonly CliSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Runs the workers until all have ended, and returns the exit code for the whole. */
export async function runWorkers(command: RunCommand, io: CliIo): Promise<number> {
  const running = new Set<WorkerProcess>()
  const stopping = new AbortController()

  const stop = (): void => {
    // The first signal asks, the second one does not.
    const signal = stopping.signal.aborted ? 'SIGKILL' : 'SIGTERM'
    stopping.abort()
    for (const worker of running) worker.kill(signal)
  }
  for (const signal of SIGNALS) io.onSignal(signal, stop)

  const supervise = async (index: number): Promise<number> => {
    const policy = new RestartPolicy(command)
    for (;;) {
      const startedAtMs = io.monotonicMs()
      const worker = startWorker({ ...command, index, env: io.env, writeOut: io.writeOut, writeError: io.writeError })
      running.add(worker)
      const code = await worker.ended
      running.delete(worker)
      if (code === 0 || stopping.signal.aborted) return code

      const waitMs = policy.afterCrash(io.monotonicMs() - startedAtMs)
      if (waitMs === undefined) {
        io.writeError(`Worker ${index} ended with ${code} after ${command.maxRestarts} restarts in a row. Stopping.\n`)
        stop()
        return GAVE_UP
      }
      io.writeError(`Worker ${index} ended with ${code}. It starts again in ${waitMs} ms.\n`)
      await io.wait(waitMs, stopping.signal)
      if (stopping.signal.aborted) return code
    }
  }

  try {
    const codes = await Promise.all(Array.from({ length: command.workers }, (_, index) => supervise(index)))
    return codes.includes(GAVE_UP) ? GAVE_UP : (codes.find(code => code !== 0) ?? 0)
  } finally {
    for (const signal of SIGNALS) io.offSignal(signal, stop)
  }
}
