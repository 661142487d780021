import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { processStat, sessionUse } from './proc-files.ts'

const SAMPLE_MS = 200
const MARK = /^(FIRST_RECORD|LAST_RECORD|RESTORE_START|RESTORE_END) (\d+)/

export type Mark = 'FIRST_RECORD' | 'LAST_RECORD' | 'RESTORE_START' | 'RESTORE_END'

export interface WorkerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A started system: what it says, its peak of memory, and its CPU time when it has ended. */
export class WorkerProcess {
  readonly startedMs = Date.now()
  readonly exited: Promise<number>
  peakRssBytes = 0
  /** Without mapped files. */
  peakOwnBytes = 0
  /** Of all its processes, complete once it has exited. */
  cpuSeconds = 0
  /** Undefined while it runs; the negative number of the signal that ended it. */
  exitCode: number | undefined
  readonly #child: ChildProcess
  readonly #marks = new Map<Mark, number>()
  readonly #waiting = new Set<() => void>()
  readonly #onLine: ((line: string) => void) | undefined

  /**
   * @param log - A file for what it says beside marks.
   * @param onLine - Told of each line that is no mark.
   */
  constructor({ command, args, env }: WorkerCommand, log: string, onLine?: (line: string) => void) {
    const file = openSync(log, 'w')
    this.#onLine = onLine
    const childrenBefore = endedChildrenCpu()
    // Detached: a session of its own, by which all its processes are found.
    this.#child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', file] })
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.on('line', line => this.#read(line, file))
    // What ends us must not leave it running.
    const kill = (): void => this.#kill()
    process.once('exit', kill)
    const sampler = setInterval(() => this.#sample(), SAMPLE_MS)
    this.exited = new Promise(resolve => {
      const end = (code: number): void => {
        clearInterval(sampler)
        process.off('exit', kill)
        // All of it, also of the moment since the last sample: no other child ends meanwhile.
        this.cpuSeconds = Math.max(this.cpuSeconds, endedChildrenCpu() - childrenBefore)
        this.exitCode = code
        closeSync(file)
        this.#tell()
        resolve(code)
      }
      this.#child.once('error', error => {
        writeSync(file, `${error.message}\n`)
        end(-1)
      })
      this.#child.once('close', (code, signal) => end(code ?? (signal === 'SIGKILL' ? -9 : -1)))
    })
  }

  /** When it said so, in epoch milliseconds. */
  markMs(mark: Mark): number | undefined {
    return this.#marks.get(mark)
  }

  /** Resolves with the next mark, or when it ends, or after `timeoutMs`. */
  change(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
      if (this.exitCode !== undefined) done()
    })
  }

  /** Asks it to end, and kills it with all its processes after `timeoutMs`; then returns false. */
  async stop(timeoutMs: number): Promise<boolean> {
    const pid = this.#child.pid
    if (pid === undefined || this.exitCode !== undefined) return true
    this.#child.kill('SIGTERM')
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#kill()
    }, timeoutMs)
    await this.exited
    clearTimeout(timer)
    return !late
  }

  #kill(): void {
    const pid = this.#child.pid
    if (pid !== undefined && this.exitCode === undefined) process.kill(-pid, 'SIGKILL')
  }

  #read(line: string, log: number): void {
    const mark = MARK.exec(line)
    if (mark === null) {
      if (this.#onLine !== undefined) this.#onLine(line)
      else if (this.exitCode === undefined) writeSync(log, `${line}\n`)
      return
    }
    const name = mark[1] as Mark
    // Of several stores the last one ends the restoring.
    if (name === 'RESTORE_END' || !this.#marks.has(name)) this.#marks.set(name, Number(mark[2]))
    this.#tell()
  }

  #sample(): void {
    const { rssBytes, ownBytes, cpuSeconds } = sessionUse(this.#child.pid as number)
    this.peakRssBytes = Math.max(this.peakRssBytes, rssBytes)
    this.peakOwnBytes = Math.max(this.peakOwnBytes, ownBytes)
    this.cpuSeconds = Math.max(this.cpuSeconds, cpuSeconds)
  }

  #tell(): void {
    for (const done of [...this.#waiting]) done()
  }
}

function endedChildrenCpu(): number {
  return processStat('self')?.endedChildrenCpuSeconds ?? 0
}
