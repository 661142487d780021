import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startKafka, stopKafka } from './kafka-broker.ts'
import { BROKER_VERSION, CACHE_DIR } from './kafka-jars.ts'

const USAGE = `scripts/kafka up [--port N] [--dir DIR]             start Apache Kafka ${BROKER_VERSION}, wait until it answers
scripts/kafka down [--port N] [--dir DIR] [--wipe]  stop it; --wipe also removes its data

  --port N   default 9092; 0 takes a free port
  --dir DIR  where its data is; default .cache/broker-PORT

One node (KRaft), no container. The jars are fetched with Maven on first use. KAFKA_HEAP sets its memory (512m),
MILLRACE_KAFKA_VERSION another version.
`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '9092' },
      dir: { type: 'string' },
      wipe: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const command = positionals[0]
  if (values.help) return void process.stdout.write(USAGE)
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is not a port.`)

  if (command === 'up' && positionals.length === 1) return await up(port, values.dir)
  if (command === 'down' && positionals.length === 1) return await down(port, values.dir, values.wipe)
  throw new Error(`Say \`up\` or \`down\`.\n\n${USAGE}`)
}

async function up(wantedPort: number, dir: string | undefined): Promise<void> {
  const [folder, port] = dir === undefined ? await defaultPlace(wantedPort) : [dir, wantedPort]
  const kafka = await startKafka({ port, dir: folder })
  kafka.release()
  const place = dir === undefined ? `--port ${kafka.port}` : `--dir ${dir}`
  process.stdout.write(`${kafka.brokers}\n`)
  process.stderr.write(
    `Apache Kafka ${BROKER_VERSION} answers (pid ${kafka.pid}). Stop it: scripts/kafka down ${place}\n`
  )
}

async function down(port: number, dir: string | undefined, wipe: boolean): Promise<void> {
  const folder = dir ?? folderOf(port)
  const stopped = await stopKafka(folder, { wipe })
  process.stderr.write(`${stopped ? 'Stopped' : 'No broker was running'}: ${folder}${wipe ? ', data removed' : ''}\n`)
  if (!stopped && !wipe) process.exitCode = 1
}

/** With a free port the folder's name needs the port before the broker has it. */
async function defaultPlace(wantedPort: number): Promise<[string, number]> {
  if (wantedPort !== 0) return [folderOf(wantedPort), wantedPort]
  const { freePorts } = await import('./free-ports.ts')
  const [port] = (await freePorts(1)) as [number]
  return [folderOf(port), port]
}

const folderOf = (port: number): string => join(CACHE_DIR, `broker-${port}`)

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
