import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from './free-ports.ts'
import { kafkaAnswers } from './kafka-answers.ts'
import { BROKER_VERSION, kafkaJars } from './kafka-jars.ts'
import { type Listener, LOGGING_FLAGS, type SecurityProtocol, serverProperties } from './kafka-settings.ts'
import type { BrokerOptions, RunningBroker, StopOptions } from './running-broker.ts'
import { startWatchdog } from './watchdog.ts'

const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 100
const PORT_ATTEMPTS = 5

export interface KafkaOptions extends BrokerOptions {
  /** Default: what `MILLRACE_KAFKA_VERSION` names, else the newest that is tested. */
  readonly version?: string
  /** Listeners besides the plain one, by name; each gets a free port. */
  readonly listeners?: Readonly<Record<string, SecurityProtocol>>
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>
  /** Further arguments of `kafka-storage.sh format`, for example users (`--add-scram`). */
  readonly formatArguments?: readonly string[]
}

/** A running single-node Kafka. It dies with the process that started it, however that ends, unless released. */
export interface Kafka extends RunningBroker {
  /** `host:port` of one of the listeners in the options. */
  addressOf(listener: string): string
  /** Lets the broker outlive this process; `stopKafka(dir)` ends it. */
  release(): void
}

/** What `stopKafka` must know, in the broker's folder. */
interface BrokerFile {
  readonly pid: number
  readonly port: number
}

/** Where a broker is, and of what. */
interface Place {
  readonly dir: string
  readonly jars: string
  /** Removed with the broker. */
  readonly temporary: boolean
}

interface Launched {
  readonly process: ChildProcess
  readonly pid: number
  readonly exited: Promise<void>
  readonly watchdog: ChildProcess
}

/** Starts Apache Kafka and returns when it answers. */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const jars = await kafkaJars(options.version ?? BROKER_VERSION)
  const temporary = options.dir === undefined
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'millrace-kafka-')) : resolve(options.dir)
  try {
    return await startIn({ dir, jars, temporary }, options)
  } catch (error) {
    if (temporary) await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** Stops the broker that keeps its data in `dir`, whichever process started it. False when none runs there. */
export async function stopKafka(dir: string, { wipe = false }: StopOptions = {}): Promise<boolean> {
  const absolute = resolve(dir)
  const running = await runningBroker(absolute)
  if (running !== undefined) {
    process.kill(running.pid, 'SIGTERM')
    const deadline = performance.now() + STOP_TIMEOUT_MS
    while (isBroker(running.pid, absolute)) {
      if (performance.now() > deadline) process.kill(running.pid, 'SIGKILL')
      await delay(POLL_MS)
    }
  }
  await rm(brokerFile(absolute), { force: true })
  // Only a folder that a broker was started in: a mistyped --dir must not cost anything else.
  if (wipe && existsSync(propertiesFile(absolute))) await rm(absolute, { recursive: true, force: true })
  return running !== undefined
}

async function startIn(place: Place, options: KafkaOptions): Promise<Kafka> {
  const { dir, jars } = place
  const { port: wantedPort = 0, properties = {}, formatArguments = [] } = options
  const named = Object.entries(options.listeners ?? {})
  await mkdir(dir, { recursive: true })
  const other = await runningBroker(dir)
  if (other !== undefined) {
    throw new Error(
      `A broker with data in ${dir} runs already, on port ${other.port} (pid ${other.pid}). Stop it first.`
    )
  }
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(2 + named.length)
    const [controllerPort, freePort] = ports as [number, number]
    const listeners = named.map(([name, protocol], i): Listener => ({ name, protocol, port: ports[2 + i] as number }))
    const port = wantedPort === 0 ? freePort : wantedPort
    if (wantedPort !== 0 && (await kafkaAnswers(port, 1000))) {
      throw new Error(`A Kafka broker answers on port ${port} already. Use it, stop it, or take another port (0: any).`)
    }
    await writeFile(propertiesFile(dir), serverProperties({ port, controllerPort, dir, listeners, properties }))
    await format(dir, jars, formatArguments)
    try {
      return brokerHandle(place, port, listeners, await launch(place, port))
    } catch (error) {
      // Somebody took the port between our look and the broker's bind.
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error
      if (wantedPort !== 0 && error.message.includes(`:${wantedPort}:`)) throw error
    }
  }
}

function brokerHandle(place: Place, port: number, listeners: readonly Listener[], first: Launched): Kafka {
  const { dir, temporary } = place
  let current = first
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const timer = setTimeout(() => current.process.kill('SIGKILL'), STOP_TIMEOUT_MS)
    current.process.kill(signal)
    await current.exited
    clearTimeout(timer)
  }
  return {
    brokers: `127.0.0.1:${port}`,
    port,
    dir,
    addressOf(name) {
      const listener = listeners.find(each => each.name === name)
      if (listener === undefined) throw new Error(`The broker has no listener '${name}'.`)
      return `127.0.0.1:${listener.port}`
    },
    get pid() {
      return current.pid
    },
    async restart(signal = 'SIGTERM') {
      await end(signal)
      current = await launch(place, port)
    },
    async stop({ wipe = temporary } = {}) {
      await end(wipe ? 'SIGKILL' : 'SIGTERM')
      await rm(brokerFile(dir), { force: true })
      if (wipe) await rm(dir, { recursive: true, force: true })
    },
    release() {
      current.watchdog.kill('SIGKILL')
      current.process.unref()
    }
  }
}

/** Gives a new folder its cluster id; a folder with data keeps the one it has. */
async function format(dir: string, jars: string, further: readonly string[]): Promise<void> {
  if (existsSync(join(dir, 'logs', 'meta.properties'))) return
  const clusterId = randomBytes(16).toString('base64url')
  // As one argument: an id that happens to begin with a hyphen would be taken for another option.
  const id = `--cluster-id=${clusterId}`
  const command = ['kafka.tools.StorageTool', 'format', id, '--config', propertiesFile(dir), ...further]
  const args = ['-cp', `${jars}/*`, ...command]
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise(settle => child.once('close', settle))
  if (code !== 0) throw new Error(`Kafka could not format its storage in ${dir}:\n${lastLines(output)}`)
}

class PortTakenError extends Error {}

async function launch({ dir, jars, temporary }: Place, port: number): Promise<Launched> {
  const heap = process.env.KAFKA_HEAP ?? '512m'
  const log = join(dir, 'server.log')
  const output = await open(log, 'w')
  const child = spawn(
    'java',
    [
      ...[`-Xms${heap}`, `-Xmx${heap}`, '-XX:+UseG1GC', ...LOGGING_FLAGS],
      ...['-cp', `${jars}/*`, 'kafka.Kafka', propertiesFile(dir)]
    ],
    // A process group of its own: Ctrl-C in the terminal is for the process that decides about the broker.
    { detached: true, stdio: ['ignore', output.fd, output.fd] }
  )
  await output.close()
  const pid = child.pid
  if (pid === undefined) throw new Error('The Java process for Kafka could not be started.')
  const watchdog = startWatchdog(pid, temporary ? dir : '')
  let running = true
  const exited = new Promise<void>(settle => {
    child.once('exit', () => {
      running = false
      watchdog.kill('SIGKILL')
      settle()
    })
  })
  const broker: BrokerFile = { pid, port }
  await writeFile(brokerFile(dir), JSON.stringify(broker))

  const deadline = performance.now() + START_TIMEOUT_MS
  while (running && performance.now() < deadline) {
    // Another broker may hold the port and answer in place of ours: ours dies then, and is seen to.
    if ((await kafkaAnswers(port, 2000)) && running) return { process: child, pid, exited, watchdog }
    await delay(POLL_MS)
  }
  const slow = running
  child.kill('SIGKILL')
  await exited
  const said = await readFile(log, 'utf8')
  const taken = /failed to bind to ([^\s]+): Address already in use/i.exec(said)?.[1]
  if (taken !== undefined) throw new PortTakenError(`Kafka could not listen on ${taken}: another process does.`)
  const what = slow ? `did not answer within ${START_TIMEOUT_MS / 1000} s` : 'ended while starting'
  throw new Error(`Kafka ${what}. The end of ${log}:\n${lastLines(said)}`)
}

async function runningBroker(dir: string): Promise<BrokerFile | undefined> {
  const text = await readFile(brokerFile(dir), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const broker = JSON.parse(text) as BrokerFile
  return isBroker(broker.pid, dir) ? broker : undefined
}

/** Whether `pid` is a broker of this folder: pids are reused, and a dead child may linger unreaped. */
function isBroker(pid: number, dir: string): boolean {
  return commandOf(pid).includes(`kafka.Kafka ${propertiesFile(dir)}`)
}

function commandOf(pid: number): string {
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

const brokerFile = (dir: string): string => join(dir, 'broker.json')
const propertiesFile = (dir: string): string => join(dir, 'server.properties')
const delay = (ms: number): Promise<void> => new Promise(settle => setTimeout(settle, ms))
const lastLines = (text: string): string => text.trim().split('\n').slice(-8).join('\n')
