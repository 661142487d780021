import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PROGRAM = `
  import { EmbeddedBroker } from '@millrace/broker'
  const data = process.argv[1]
  const broker = await EmbeddedBroker.start({ port: 0, maxMemoryBytes: 4 * 2 ** 30, ...(data ? { data } : {}) })
  console.log(broker.bootstrap)
  process.stdin.on('data', () => console.log(process.memoryUsage().rss)).on('end', () => process.exit())
`

/** The embedded broker, as it is published, in a process of its own. */
export class BrokerProcess implements Disposable {
  /** From the start of the process to the first connection that it accepts. */
  readonly startMs: number
  readonly address: string
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, address: string, startMs: number) {
    this.#child = child
    this.#lines = lines
    this.address = address
    this.startMs = startMs
  }

  /** @param dir - Where it keeps its data; in memory without. */
  static async start(dir?: string): Promise<BrokerProcess> {
    const startedMs = performance.now()
    const args = ['--input-type=module', '--eval', PROGRAM, ...(dir === undefined ? [] : [dir])]
    // Without the condition that takes packages to their sources.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value, done } = await lines.next()
    if (done === true) throw new Error('The broker did not start. Was it built (npm run build)?')
    const [host, port] = value.split(':') as [string, string]
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    const startMs = performance.now() - startedMs
    socket.destroy()
    return new BrokerProcess(child, lines, value, startMs)
  }

  async rssBytes(): Promise<number> {
    this.#child.stdin?.write('?\n')
    const { value } = await this.#lines.next()
    return Number(value)
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
