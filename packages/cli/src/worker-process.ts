import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { LinePrefixer } from './line-prefixer.ts'

export interface WorkerOptions {
  readonly entry: string
  readonly applicationArguments: readonly string[]
  readonly index: number
  readonly workers: number
  readonly env: NodeJS.ProcessEnv
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
}

/** One running worker. */
export interface WorkerProcess {
  readonly pid: number | undefined
  /** Its exit code when it has ended and all its output is passed on; 128 + n when signal n ended it. */
  readonly ended: Promise<number>
  kill(signal: NodeJS.Signals): void
}

export function startWorker(options: WorkerOptions): WorkerProcess {
  const { entry, applicationArguments, index, workers, env, writeOut, writeError } = options
  const alone = workers === 1
  const child = spawn(
    process.execPath,
    [...memoryFlags(env), ...typeScriptFlags(entry), entry, ...applicationArguments],
    {
      env: { ...MEMORY_ENV, ...env, MILLRACE_WORKER: String(index), MILLRACE_WORKERS: String(workers) },
      // A single worker keeps the terminal, and with it colours and live tables.
      stdio: alone ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      // In a process group of its own: Ctrl-C in a terminal would reach the worker twice, from there and from us, and an
      // application may well take the second one for impatience.
      detached: true
    }
  )
  prefixLines(child.stdout, `[${index}] `, writeOut)
  prefixLines(child.stderr, `[${index}] `, writeError)
  return {
    pid: child.pid,
    ended: exitCodeOf(child, writeError),
    kill: signal => void child.kill(signal)
  }
}

function prefixLines(stream: ChildProcess['stdout'], prefix: string, write: (text: string) => void): void {
  if (stream === null) return
  const lines = new LinePrefixer(prefix, write)
  stream.on('data', (chunk: Buffer) => lines.add(chunk))
  stream.once('end', () => lines.end())
}

function exitCodeOf(child: ChildProcess, writeError: (text: string) => void): Promise<number> {
  return new Promise(resolve => {
    child.once('error', error => {
      writeError(`The worker could not be started: ${error.message}\n`)
      resolve(1)
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

/** glibc gives each thread that asks for memory a share of its own, of which little comes back; Node's threads do not compete for it. */
const MEMORY_ENV = { MALLOC_ARENA_MAX: '2' }

/**
 * V8 lets its young generation grow to 128 MiB, which makes a worker no faster (docs/performance.md). A flag would overrule
 * the user's NODE_OPTIONS.
 */
function memoryFlags({ NODE_OPTIONS = '' }: NodeJS.ProcessEnv): string[] {
  return /semi-space/.test(NODE_OPTIONS) ? [] : ['--max-semi-space-size=16']
}

/** Node 22 runs TypeScript by itself from 22.18 on, and before that when asked to. */
function typeScriptFlags(entry: string): string[] {
  if (!/\.m?ts$/.test(entry) || process.features.typescript !== false) return []
  return ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']
}
