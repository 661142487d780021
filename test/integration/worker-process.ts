import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { WorkerOptions, WorkerReport } from './worker-options.ts'

/** A running worker of a test. Disposing of it kills it. */
export class WorkerProcess {
  readonly reports: WorkerReport[] = []
  readonly pid: number
  readonly exited: Promise<number | NodeJS.Signals>
  #stderr = ''
  readonly #child: ChildProcess

  constructor(options: WorkerOptions) {
    const script = fileURLToPath(new URL('worker.ts', import.meta.url))
    this.#child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' }
    })
    this.pid = this.#child.pid as number
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.on('message', (report: WorkerReport) => this.reports.push(report))
    this.exited = once(this.#child, 'exit').then(([code, signal]) => code ?? signal)
  }

  /** A worker that is RUNNING. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options)
    await worker.until(({ state }) => state === 'RUNNING')
    return worker
  }

  /** The first report, from the `from`th on, for which the predicate holds; also one that came already. */
  async until(predicate: (report: WorkerReport) => boolean, from = 0): Promise<WorkerReport> {
    for (let index = from; ; index++) {
      while (index >= this.reports.length) {
        const next = once(this.#child, 'message')
        const ended = this.exited.then(how => {
          if (index < this.reports.length) return
          throw new Error(`the worker ended (${how}) without reporting that: ${this.#stderr}`)
        })
        ended.catch(() => {})
        next.catch(() => {})
        await Promise.race([next, ended])
      }
      const report = this.reports[index] as WorkerReport
      if (predicate(report)) return report
    }
  }

  async metrics(): Promise<WorkerReport> {
    const from = this.reports.length
    this.#child.send('metrics')
    return await this.until(({ tasks }) => tasks !== undefined, from)
  }

  get stderr(): string {
    return this.#stderr
  }

  get warnings(): string[] {
    return this.reports.map(({ warning }) => warning).filter(warning => warning !== undefined)
  }

  get restored() {
    return this.reports.map(({ restored }) => restored).filter(restored => restored !== undefined)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it as an operator would. Its exit code, or the signal that killed it. */
  async terminate(): Promise<number | NodeJS.Signals> {
    this.signal('SIGTERM')
    return await this.exited
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill()
  }
}
