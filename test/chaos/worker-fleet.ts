import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Restored {
  readonly incarnation: string
  readonly restored: number
  readonly from: number
  readonly to: number
}

/** Worker processes in numbered slots; a slot can be killed and filled again. */
export class WorkerFleet {
  readonly #args: readonly string[]
  readonly #log: (line: string) => void
  readonly #script: URL
  readonly #onMessage: (message: object) => void
  readonly #children = new Map<number, ChildProcess>()
  readonly restored: Restored[] = []
  /** Exits that nobody asked for: there should be none. */
  readonly crashes: string[] = []

  /** @param script - what a worker runs; @param onMessage - also told of what they report over IPC */
  constructor(
    args: readonly string[],
    log: (line: string) => void,
    script = new URL('chaos-app.ts', import.meta.url),
    onMessage: (message: object) => void = () => {}
  ) {
    this.#args = args
    this.#log = log
    this.#script = script
    this.#onMessage = onMessage
  }

  /** Starts the worker of a slot; resolves when it is RUNNING for the first time. */
  async start(slot: number): Promise<void> {
    const child = spawn(process.execPath, [fileURLToPath(this.#script), ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, CHAOS_SLOT: String(slot) }
    })
    this.#children.set(slot, child)
    const incarnation = `${slot}-${child.pid}`
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#log(text.trimEnd()))
    }
    child.once('exit', (code, signal) => {
      if (this.#children.get(slot) !== child) return
      this.#children.delete(slot)
      this.crashes.push(`${incarnation} ended by itself (code ${code}, signal ${signal})`)
    })
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`worker ${incarnation} ended before it was RUNNING`)))
      child.on('message', (message: { state?: string; restored?: number; from?: number; to?: number }) => {
        this.#onMessage(message)
        if (message.state === 'RUNNING') resolve()
        if (message.restored !== undefined) {
          const restored = { incarnation, restored: message.restored, from: message.from ?? 0, to: message.to ?? 0 }
          this.restored.push(restored)
          this.#log(`${incarnation} restored ${restored.restored} of ${restored.to} records, from ${restored.from}`)
        }
      })
    })
  }

  incarnation(slot: number): string {
    return `${slot}-${this.#children.get(slot)?.pid}`
  }

  signal(slot: number, signal: NodeJS.Signals): void {
    this.#children.get(slot)?.kill(signal)
  }

  /** Ends a worker at once; resolves to the incarnation that died. */
  async kill(slot: number): Promise<string> {
    const child = this.#children.get(slot) as ChildProcess
    const incarnation = this.incarnation(slot)
    this.#children.delete(slot)
    child.kill('SIGKILL')
    await once(child, 'exit')
    return incarnation
  }

  /** Lets all workers finish. */
  async stop(): Promise<void> {
    const children = [...this.#children.values()]
    this.#children.clear()
    const exits = children.map(child => once(child, 'exit'))
    for (const child of children) child.kill('SIGTERM')
    for (const [code] of await Promise.all(exits)) {
      if (code !== 0) this.crashes.push(`a worker ended with code ${code} on SIGTERM`)
    }
  }
}
