/**
 * Millrace beside Kafka Streams and others, on the same input, the same broker, in one run, with every output verified. README.md tells what
 * is measured and how; `npm run bench -- --help` what may be asked for.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '../../scripts/kafka-broker.ts'
import { KAFKA_VERSION } from '../../scripts/kafka-jars.ts'
import { BenchTopics } from './data/bench-topics.ts'
import { BadOption, type BenchOptions, benchOptions, USAGE } from './run/bench-options.ts'
import { benchTable } from './run/bench-table.ts'
import { measureGrowth } from './run/growth.ts'
import { runJsonShapes } from './run/json-shapes.ts'
import { runLatency } from './run/latency.ts'
import { type BenchResults, type BenchRun, readResults, writeResults } from './run/results.ts'
import { runWorkload, type WorkloadOptions } from './run/run-workload.ts'
import { buildOurs, type System, SystemMissing, Systems } from './run/systems.ts'
import { runTasks } from './run/tasks.ts'

const BROKER_HEAP = '1g'

// So that systems that were started end with this process, and Kafka after it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const options = readOptions()
if (options.merge.length > 0) process.stdout.write(`${benchTable(await readResults(options.merge))}\n`)
else process.exitCode = await bench(options)

function readOptions(): BenchOptions {
  try {
    const read = benchOptions(process.argv.slice(2))
    if (read !== undefined) return read
    process.stdout.write(USAGE)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof BadOption)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}`)
    process.exit(2)
  }
}

/** @returns the exit code: 1 when some run gave no figure. */
async function bench(options: BenchOptions): Promise<number> {
  if (options.build) await buildOurs()
  const runs: BenchRun[] = []
  const keep = async (run: BenchRun): Promise<void> => {
    runs.push(run)
    say(lineOf(run))
    if (options.out !== undefined) await writeResults(options.out, { machine: machine(), runs })
  }
  // Without Kafka, and before it is there.
  if (options.others.includes('growth')) await measureGrowth(keep)
  if (options.workloads.length > 0 || options.others.some(piece => piece !== 'growth'))
    await benchOnKafka(options, keep)
  process.stdout.write(`\n${benchTable({ machine: machine(), runs })}\n`)
  return runs.some(hasFailed) ? 1 : 0
}

async function benchOnKafka(options: BenchOptions, keepRun: (run: BenchRun) => Promise<void>): Promise<void> {
  const { workloads, others, reps, records, seed, timeoutMs } = options
  let failed = false
  const keep = (run: BenchRun): Promise<void> => {
    failed ||= hasFailed(run)
    return keepRun(run)
  }
  const given = process.env['KAFKA_BROKERS']
  process.env['KAFKA_HEAP'] ??= BROKER_HEAP
  const kafka = given === undefined || given === '' ? await startKafka() : undefined
  const brokers = kafka?.brokers ?? (given as string)
  say(`Kafka: ${brokers}${kafka === undefined ? ' (from KAFKA_BROKERS)' : ' (started for this run)'}`)
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    await using topics = new BenchTopics(brokers.split(','))
    await using systems = await Systems.open()
    const ready: System[] = []
    for (const name of options.systems) {
      try {
        ready.push(await systems.prepare(name))
      } catch (error) {
        if (!(error instanceof SystemMissing)) throw error
        say(`${name} is left out: ${error.message}`)
      }
    }
    const shared: WorkloadOptions = { topics, brokers, brokerPid: kafka?.pid, records, seed, dir, timeoutMs }
    for (const workload of workloads) await runWorkload(workload, ready, reps, shared, keep)
    if (others.includes('latency')) await runLatency(ready, reps, shared, keep)
    if (others.includes('json')) await runJsonShapes(systems, reps, shared, keep)
    if (others.includes('tasks')) await runTasks(shared, keep)
  } finally {
    // The logs of what failed stay.
    if (!failed) await rm(dir, { recursive: true, force: true })
    await kafka?.stop()
  }
}

function hasFailed(run: BenchRun): boolean {
  return 'failure' in run && run.failure !== undefined
}

function machine(): BenchResults['machine'] {
  return {
    date: new Date().toISOString(),
    cores: cpus().length,
    processor: cpus()[0]?.model ?? arch(),
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    kafka: KAFKA_VERSION
  }
}

function lineOf(run: BenchRun): string {
  const { piece, ...rest } = run
  const words = Object.entries(rest).map(
    ([name, value]) => `${name} ${typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : value}`
  )
  return `${piece}: ${words.join(', ')}`
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
