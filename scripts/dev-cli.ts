// An application, its broker, topics and a sample in one process: `npm run dev -- ./examples/01-word-count/app.ts`.
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { EmbeddedBroker } from '@millrace/broker'
import { type Connection, createKafkaClient, type Transport } from '@millrace/client'
import { registryAvro } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { type DevPlan, readDevPlan } from './dev/dev-plan.ts'
import { SampleProducer } from './dev/sample-producer.ts'
import { TopicPrinter } from './dev/topic-printer.ts'

const USAGE = `npm run dev -- FILE    runs an application on an embedded broker, in one process

dev.json beside FILE says what is made around it:

  { "topics": { "lines": 2, "words": 2 },                                       names and numbers of partitions
    "sample": { "topic": "lines", "file": "sample.txt", "everyMs": 1000 },      a record a line, then one after the other
    "show": { "words": "int64" } }                                              printed as committed; text, int64 or avro

In place of "file" a "module" may export the records of a sample, as \`records\`, [key, value] each, and their \`serdes\`. A list of
samples is sent in its order.

FILE finds the broker in KAFKA_BROKERS, a schema registry in REGISTRY_URL, and an empty folder for its state in STATE_DIR. All ends
when the application has ended, by itself or on Ctrl-C. Nothing is kept.
`
const POLL_MS = 50

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Our own connections, to be told from the application's. */
class OwnTransport implements Transport {
  readonly #transport: Transport
  readonly #connections = new Set<Connection>()

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get openCount(): number {
    return [...this.#connections].filter(({ connected }) => connected).length
  }

  bootstrap(): ReturnType<Transport['bootstrap']> {
    return this.#transport.bootstrap()
  }

  async connect(broker: Parameters<Transport['connect']>[0]): Promise<Connection> {
    const connection = await this.#transport.connect(broker)
    this.#connections.add(connection)
    return connection
  }
}

async function dev(plan: DevPlan, stopped: AbortSignal): Promise<void> {
  await using broker = await EmbeddedBroker.start({ port: 0, autoCreateTopics: false })
  await using registry = await MemoryRegistry.start()
  const transport = new OwnTransport(broker.transport())
  const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-dev-'))
  try {
    await client.connect()
    const topics = [...plan.topics].map(([name, partitionCount]) => ({ name, partitionCount }))
    await client.admin.createTopics(topics.map(topic => ({ ...topic, replicationFactor: 1, configs: {} })))
    process.env['KAFKA_BROKERS'] = broker.bootstrap
    process.env['REGISTRY_URL'] = registry.url
    process.env['STATE_DIR'] = stateDir
    const producers: SampleProducer[] = []
    for (const sample of plan.samples) {
      const producer = await SampleProducer.open(client, sample)
      await producer.sendAll()
      producers.push(producer)
    }
    print(`Kafka: embedded broker, ${broker.bootstrap}; topics ${[...plan.topics.keys()].join(', ')}`)
    print(`Schema registry: in this process, ${registry.url}`)
    const printer = new TopicPrinter(client, plan.show, registryAvro({ url: registry.url }), print)
    const printing = printer.run()

    const app = import(pathToFileURL(plan.app).href)
    let failed = false
    app.catch(() => void (failed = true))
    const startMs = performance.now()
    const due = producers.map(producer => ({ producer, atMs: startMs + producer.everyMs }))
    // The application has ended when it had connections and has none.
    for (let connected = false, ended = false; !ended && !failed; ) {
      await sleep(POLL_MS)
      const open = broker.connectionCount > transport.openCount
      ended = !open && (connected || stopped.aborted)
      connected ||= open
      if (stopped.aborted) continue
      for (const next of due) {
        if (performance.now() < next.atMs) continue
        await next.producer.sendNext()
        next.atMs += next.producer.everyMs
      }
    }
    printer.stop()
    await printing
    for (const producer of producers) await producer.close()
    await app
  } finally {
    await client.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

const stop = new AbortController()
let stoppedBy: NodeJS.Signals | undefined
// Once: the application hears it as well, and closes; a second one ends the process at once.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stoppedBy ??= signal
    stop.abort()
  })
}
const [file, ...surplus] = process.argv.slice(2)
if (file === undefined || surplus.length > 0 || file === '--help') {
  process.stdout.write(USAGE)
  process.exitCode = file === '--help' ? 0 : 2
} else {
  try {
    await dev(readDevPlan(file), stop.signal)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
if (stoppedBy !== undefined) process.exitCode = 128 + constants.signals[stoppedBy]
