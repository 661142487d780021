import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CACHE_DIR, mavenJars } from '../../../scripts/kafka-jars.ts'
import { ROOT, run } from '../../../scripts/run.ts'
import type { WorkloadName } from '../data/expected-output.ts'
import type { WorkerCommand } from './worker-process.ts'

const HERE = fileURLToPath(new URL('..', import.meta.url))
const JAVA_HEAP = '-Xmx1g'
const ALL = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6'] as const
/** Where a record cache makes a difference. */
const CACHED = ['W2', 'W3', 'W5'] as const

export type SystemName = keyof typeof SYSTEMS

export interface System {
  readonly name: SystemName
  readonly title: string
  readonly workloads: readonly WorkloadName[]
  /** How its worker is started; `env` has only what this system needs beside the contract. */
  readonly worker: WorkerCommand
}

interface Recipe {
  readonly title: string
  readonly workloads: readonly WorkloadName[]
  /** @throws SystemMissing when the machine lacks what it needs. */
  prepare(workspace: string): Promise<WorkerCommand>
}

/** Why a system cannot be run on this machine. */
export class SystemMissing extends Error {}

const SYSTEMS = {
  ours: { title: 'Millrace', workloads: ALL, prepare: async () => ourWorker('worker.js', {}) },
  'ours-nc': {
    title: 'Millrace, no cache',
    workloads: CACHED,
    prepare: async () => ourWorker('worker.js', { CACHE_BYTES: '0' })
  },
  java1: { title: 'Kafka Streams', workloads: ALL, prepare: workspace => java(workspace, {}) },
  java1nc: {
    title: 'Kafka Streams, no cache',
    workloads: CACHED,
    prepare: workspace => java(workspace, { CACHE_BYTES: '0' })
  },
  kafkats: { title: '@kafkats/flow', workloads: ALL, prepare: kafkats },
  quix: { title: 'Quix Streams', workloads: ALL, prepare: quix }
} satisfies Readonly<Record<string, Recipe>>

export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[]
export const titleOf = (name: SystemName): string => SYSTEMS[name].title

/** Compiled and installed programs of the systems; what was made for one run of the benchmark goes with it. */
export class Systems implements AsyncDisposable {
  readonly #workspace: string

  private constructor(workspace: string) {
    this.#workspace = workspace
  }

  static async open(): Promise<Systems> {
    return new Systems(await mkdtemp(join(tmpdir(), 'millrace-bench-systems-')))
  }

  /** @throws SystemMissing */
  async prepare(name: SystemName): Promise<System> {
    const { title, workloads, prepare }: Recipe = SYSTEMS[name]
    return { name, title, workloads, worker: await prepare(this.#workspace) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#workspace, { recursive: true, force: true })
  }
}

/** Compiles our packages as they are published, and the workers of the benchmark against them. */
export async function buildOurs(): Promise<void> {
  if ((await run('npm', ['run', '--silent', 'bench:build'])) !== 0) throw new Error('npm run bench:build failed.')
}

/** One of our workers, run as `millrace run` runs a worker. */
export function ourWorker(file: string, env: Readonly<Record<string, string>>): WorkerCommand {
  const worker = join(ROOT, 'dist', 'bench', file)
  if (!existsSync(worker)) throw new Error(`${worker} is missing; npm run bench:build makes it.`)
  return {
    command: process.execPath,
    args: ['--max-semi-space-size=16', worker],
    // As a user's shell has it: without the condition by which packages resolve to their sources in this repository.
    env: { MALLOC_ARENA_MAX: '2', ...inherited(), ...env }
  }
}

async function java(workspace: string, env: Readonly<Record<string, string>>): Promise<WorkerCommand> {
  const source = join(HERE, 'java', 'StreamsWorker.java')
  const classes = join(workspace, 'java')
  const jars = await mavenJars('bench-java', join(HERE, 'java', 'pom.xml')).catch((error: Error) => {
    throw new SystemMissing(error.message)
  })
  if (!existsSync(classes)) {
    const { error, status, stderr } = spawnSync('javac', ['-cp', `${jars}/*`, '-d', classes, source], {
      encoding: 'utf8'
    })
    if (error !== undefined) throw new SystemMissing('it needs javac, of a JDK 17 or newer, in PATH')
    if (status !== 0) throw new Error(`javac refused ${source}:\n${stderr}`)
  }
  const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'
  const args = [JAVA_HEAP, log, '-cp', `${classes}:${jars}/*`, 'StreamsWorker']
  return { command: 'java', args, env: { ...inherited(), ...env } }
}

async function kafkats(): Promise<WorkerCommand> {
  const dir = await installed('bench-kafkats', 'kafkats/package.json', async home => {
    await copyFile(join(HERE, 'kafkats', 'package.json'), join(home, 'package.json'))
    if ((await run('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: home })) !== 0) {
      throw new SystemMissing('npm could not install @kafkats/flow')
    }
  })
  const worker = join(dir, 'worker.mjs')
  await copyFile(join(HERE, 'kafkats', 'worker.mjs'), worker)
  return { command: process.execPath, args: [worker], env: inherited() }
}

async function quix(): Promise<WorkerCommand> {
  if (spawnSync('python3', ['--version']).status !== 0) throw new SystemMissing('it needs Python 3.9 or newer in PATH')
  const dir = await installed('bench-quix', 'quix/requirements.txt', async home => {
    const packages = ['install', '--quiet', '--requirement', join(HERE, 'quix', 'requirements.txt')]
    if (
      (await run('python3', ['-m', 'venv', home])) !== 0 ||
      (await run(join(home, 'bin', 'pip'), ['--disable-pip-version-check', ...packages])) !== 0
    ) {
      throw new SystemMissing('pip could not install Quix Streams')
    }
  })
  const args = ['-W', 'ignore', join(HERE, 'quix', 'worker.py')]
  return { command: join(dir, 'bin', 'python'), args, env: inherited() }
}

/** A folder in .cache/ into which `install` has put what is needed, once. */
async function installed(name: string, what: string, install: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(CACHE_DIR, name)
  const complete = join(dir, 'complete')
  if (existsSync(complete)) return dir
  process.stderr.write(`Installing what ${what} asks for into ${dir} (once) …\n`)
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  await install(dir)
  await writeFile(complete, '')
  return dir
}

function inherited(): Record<string, string> {
  const { NODE_OPTIONS: _, ...env } = process.env
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
