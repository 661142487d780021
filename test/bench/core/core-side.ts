import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { mavenJars } from '../../../scripts/kafka-jars.ts'
import type { CoreResult, CoreRun } from './run-core.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** A process that runs what it is told on standard input, one run after the other, and so stays warm. */
export class CoreSide {
  private readonly child: ChildProcess
  private readonly answers: AsyncIterator<string>

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.answers = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  async run(run: CoreRun, file: string): Promise<CoreResult> {
    this.child.stdin?.write(`${run.topology} ${run.store} ${run.fill} ${run.chunk} ${file}\n`)
    const { done, value } = await this.answers.next()
    if (done === true) throw new Error(`${this.child.spawnfile} ended before it answered; what it said is above.`)
    return JSON.parse(value) as CoreResult
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.child.once('exit', resolve))
    this.child.stdin?.end()
    if (this.child.exitCode === null) await ended
  }
}

export function ourSide(): CoreSide {
  return new CoreSide(process.execPath, ['--conditions=millrace-source', join(HERE, 'core-worker.ts')])
}

/** Why there is no Java side on this machine; undefined when there can be one. */
export function whyNoJava(): string | undefined {
  for (const command of ['java', 'javac']) {
    if (spawnSync(command, ['-version'], { stdio: 'ignore' }).error !== undefined) {
      return `there is no \`${command}\` in PATH`
    }
  }
  return undefined
}

/** Compiles the Java side, once a benchmark. */
export class JavaSides {
  private readonly classPath: string
  private readonly classes: string

  private constructor(classes: string, jars: string) {
    this.classes = classes
    this.classPath = `${classes}:${join(jars, '*')}`
  }

  static async compile(): Promise<JavaSides> {
    const jars = await mavenJars('core-bench', join(HERE, 'java', 'pom.xml'))
    const classes = await mkdtemp(join(tmpdir(), 'millrace-core-bench-classes-'))
    const args = ['-cp', join(jars, '*'), '-d', classes, join(HERE, 'java', 'CoreBench.java')]
    const { status, stderr } = spawnSync('javac', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`javac refused CoreBench.java:\n${stderr}`)
    return new JavaSides(classes, jars)
  }

  start(): CoreSide {
    return new CoreSide('java', ['-cp', this.classPath, 'CoreBench'])
  }

  async remove(): Promise<void> {
    if (existsSync(this.classes)) await rm(this.classes, { recursive: true })
  }
}
