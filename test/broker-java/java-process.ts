import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { mavenJars } from '../../scripts/kafka-jars.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** Options of the Java command that see to Kafka's jars, which Maven fetches on first use. */
export async function javaOptions(): Promise<string[]> {
  return [...JVM, '-cp', `${await mavenJars('kafka-java', POM)}/*`]
}

export interface ToolOutcome {
  readonly exitCode: number
  /** Without what is said about options that are deprecated. */
  readonly output: string
}

/** Runs one of Kafka's command line tools to its end. */
export async function runTool(
  name: string,
  bootstrap: string,
  args: readonly string[],
  input = ''
): Promise<ToolOutcome> {
  const command = [...(await javaOptions()), `org.apache.kafka.tools.${name}`, '--bootstrap-server', bootstrap, ...args]
  return new Promise(resolve => {
    const child = execFile('java', command, { timeout: 60_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ exitCode, output: `${stdout}${exitCode === 0 ? '' : stderr}` })
    })
    child.stdin?.end(input)
  })
}

/** An instance of StreamsApp.java in a process of its own. */
export class StreamsInstance implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #exited: Promise<number | null>
  #tasks = 0
  #said = ''

  private constructor(options: readonly string[], args: readonly string[]) {
    const source = fileURLToPath(new URL('StreamsApp.java', import.meta.url))
    this.#child = spawn('java', [...options, source, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#exited = once(this.#child, 'exit').then(([code]) => code as number | null)
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#said += chunk.toString()))
    createInterface({ input: this.#child.stdout }).on('line', line => {
      if (line.startsWith('TASKS ')) this.#tasks = Number(line.slice(6))
    })
  }

  static async start(...args: string[]): Promise<StreamsInstance> {
    return new StreamsInstance(await javaOptions(), args)
  }

  /** Active tasks when it last ran. */
  get tasks(): number {
    if (this.#child.exitCode !== null) throw new Error(`The Java instance has ended. It said:\n${this.#said}`)
    return this.#tasks
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Lets it close in good order. Returns its exit code. */
  async close(): Promise<number | null> {
    this.#child.stdin.end('\n')
    return await this.#exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
