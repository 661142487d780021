import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../../../packages/millrace/bin/millrace.js', import.meta.url))
const ADDRESS = /127\.0\.0\.1:(\d+)/

/** `npx millrace broker`, as it is published, in a process of its own. */
export class BrokerProcess implements Disposable {
  /** From the start of the process to the first connection that it accepts. */
  readonly startMs: number
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: string, startMs: number) {
    this.#child = child
    this.address = address
    this.startMs = startMs
  }

  /** @param dir - Where it keeps its data; in memory without. */
  static async start(dir?: string): Promise<BrokerProcess> {
    const startedMs = performance.now()
    const args = [COMMAND, 'broker', '--port', '0', ...(dir === undefined ? [] : ['--data', dir])]
    // Without the condition that takes packages to their sources.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value } = await lines.next()
    const [address, port] = ADDRESS.exec(value ?? '') ?? []
    if (address === undefined) throw new Error('The broker did not start. Was it built (npm run build)?')
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    const startMs = performance.now() - startedMs
    socket.destroy()
    return new BrokerProcess(child, address, startMs)
  }

  get rssBytes(): number {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(this.#child.pid)])) * 1024
  }

  /** Ends it as Ctrl-C does: what it compiled is kept for the next start. */
  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
