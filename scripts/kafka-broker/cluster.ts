import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../free-ports.ts'
import { kafkaAnswers } from '../kafka-answers.ts'
import { kafkaJars } from '../kafka-jars.ts'
import { LOGGING_FLAGS } from '../kafka-settings.ts'
import { startWatchdog } from '../watchdog.ts'

const NODES = 3
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 100
const PORT_ATTEMPTS = 3

/** After this long without a sign of a broker the controller gives its partitions to others. */
export const BROKER_SESSION_MS = 6_000

interface NodePorts {
  readonly port: number
  readonly controllerPort: number
}

/** Three nodes of Apache Kafka, each broker and controller; every topic is on all three, and two must have a record. */
export class KafkaCluster {
  readonly nodes: readonly ClusterNode[]
  readonly #dir: string

  private constructor(nodes: readonly ClusterNode[], dir: string) {
    this.nodes = nodes
    this.#dir = dir
  }

  /** Starts one on free ports. It dies with this process, however that ends. */
  static async start(): Promise<KafkaCluster> {
    const jars = await kafkaJars()
    const dir = await mkdtemp(join(tmpdir(), 'millrace-cluster-'))
    for (let attempt = 1; ; attempt++) {
      const nodes = await makeNodes(dir, jars)
      try {
        await Promise.all(nodes.map(node => node.start()))
        return new KafkaCluster(nodes, dir)
      } catch (error) {
        await Promise.all(nodes.map(node => node.end('SIGKILL')))
        await rm(dir, { recursive: true, force: true })
        // Somebody took a port between our look and the broker's bind.
        if (attempt === PORT_ATTEMPTS || !String(error).includes('Address already in use')) throw error
      }
    }
  }

  get brokers(): string[] {
    return this.nodes.map(({ address }) => address)
  }

  node(nodeId: number): ClusterNode {
    const node = this.nodes.find(each => each.nodeId === nodeId)
    if (node === undefined) throw new Error(`There is no node ${nodeId}.`)
    return node
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.end('SIGKILL')))
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** One node, which can be ended, stopped (SIGSTOP), continued and started again with its data, on its port. */
export class ClusterNode {
  readonly nodeId: number
  readonly port: number
  readonly #dir: string
  readonly #jars: string
  #process: ChildProcess | undefined
  #watchdog: ChildProcess | undefined

  constructor(nodeId: number, port: number, dir: string, jars: string) {
    this.nodeId = nodeId
    this.port = port
    this.#dir = dir
    this.#jars = jars
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Resolves when it answers and knows of a live broker. */
  async start(): Promise<void> {
    const log = join(this.#dir, 'server.log')
    const output = await open(log, 'a')
    const child = spawn(
      'java',
      // Short-lived and many: the first compiler alone, and one thread that collects, leave the processors to what is tested.
      [
        ...[
          '-Xms192m',
          '-Xmx256m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          '-XX:-UsePerfData',
          ...LOGGING_FLAGS
        ],
        ...['-cp', `${this.#jars}/*`, 'kafka.Kafka', join(this.#dir, 'server.properties')]
      ],
      { detached: true, stdio: ['ignore', output.fd, output.fd] }
    )
    await output.close()
    this.#process = child
    this.#watchdog = startWatchdog(child.pid as number, '')
    const deadline = performance.now() + START_TIMEOUT_MS
    while (child.exitCode === null && child.signalCode === null) {
      if (await kafkaAnswers(this.port, 2000)) return
      if (performance.now() > deadline) break
      await new Promise(settle => setTimeout(settle, POLL_MS))
    }
    const said = (await readFile(log, 'utf8')).trim().split('\n').slice(-12).join('\n')
    throw new Error(`Node ${this.nodeId} of the Kafka cluster did not start. The end of ${log}:\n${said}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Ends it with a signal and waits until it is gone; a SIGTERM that takes too long becomes a SIGKILL. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      child.kill(signal)
      await gone
      clearTimeout(timer)
    }
    this.#watchdog?.kill('SIGKILL')
  }
}

async function makeNodes(dir: string, jars: string): Promise<ClusterNode[]> {
  const numbers = await freePorts(2 * NODES)
  const ports: NodePorts[] = []
  for (let index = 0; index < NODES; index++) {
    ports.push({ port: numbers[2 * index] as number, controllerPort: numbers[2 * index + 1] as number })
  }
  const nodeDir = (nodeId: number): string => join(dir, `node-${nodeId}`)
  for (const [index] of ports.entries()) {
    await mkdir(nodeDir(index + 1), { recursive: true })
    await writeFile(join(nodeDir(index + 1), 'server.properties'), nodeProperties(index + 1, ports, nodeDir(index + 1)))
  }
  await formatStorage(nodeDir(1), jars)
  // The storage of the others differs by two ids; the tool, which takes seconds, runs once.
  const meta = await readFile(join(nodeDir(1), 'logs', 'meta.properties'), 'utf8')
  for (let nodeId = 2; nodeId <= NODES; nodeId++) {
    await cp(join(nodeDir(1), 'logs'), join(nodeDir(nodeId), 'logs'), { recursive: true })
    const own = meta
      .replace(/^node\.id=.*$/m, `node.id=${nodeId}`)
      .replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString('base64url')}`)
    await writeFile(join(nodeDir(nodeId), 'logs', 'meta.properties'), own)
  }
  return ports.map(({ port }, index) => new ClusterNode(index + 1, port, nodeDir(index + 1), jars))
}

async function formatStorage(dir: string, jars: string): Promise<void> {
  // As one argument: an id that happens to begin with a hyphen would be taken for another option.
  const id = `--cluster-id=${randomBytes(16).toString('base64url')}`
  const config = join(dir, 'server.properties')
  const child = spawn('java', ['-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', id, '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`Kafka could not format its storage in ${dir}:\n${output.trim()}`)
}

function nodeProperties(nodeId: number, all: readonly NodePorts[], dir: string): string {
  const { port, controllerPort } = all[nodeId - 1] as NodePorts
  const voters = all.map((ports, index) => `${index + 1}@127.0.0.1:${ports.controllerPort}`).join(',')
  return `process.roles=broker,controller
node.id=${nodeId}
controller.quorum.voters=${voters}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
# Those who tell their rack read from the replica there.
broker.rack=rack-${nodeId}
replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dir}/logs
num.partitions=1
auto.create.topics.enable=false
default.replication.factor=${NODES}
min.insync.replicas=2
offsets.topic.replication.factor=${NODES}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${NODES}
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=${NODES}
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=${BROKER_SESSION_MS}
broker.heartbeat.interval.ms=1000
replica.lag.time.max.ms=10000
# Leaders move by command only.
auto.leader.rebalance.enable=false
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.enable=false
# Before it takes offsets into a transaction, a group's coordinator asks that of the transaction; and that waits for those who write
# the markers. With the default, 30 s, a broker that hangs stops everyone for as long, whatever clients do.
request.timeout.ms=5000
num.network.threads=2
num.io.threads=4
`
}
