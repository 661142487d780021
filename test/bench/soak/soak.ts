/**
 * Memory over time: an application at full speed whose windows open and expire, fed through the embedded broker. `npm run bench:soak --
 * --minutes 20` writes a table and a picture, and fails unless heap, RSS, what is outside the heap, LevelDB's size and open windows stay flat.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { EmbeddedBroker } from '@millrace/broker'
import { stateBytesIn } from '../state-bytes.ts'
import { buildOurs, ourWorker } from '../run/systems.ts'
import { SoakFeeder } from './soak-feeder.ts'
import { soakPlot } from './soak-plot.ts'
import { type SoakSample, soakCsv, type WorkerSample } from './soak-sample.ts'
import { verdicts, verdictText } from './soak-verdict.ts'

const USAGE = `npm run bench:soak -- [--minutes 20] [--out FOLDER] [--no-build]

Writes soak.csv and soak.svg into FOLDER (default: .cache/soak). Ends with 1 when memory grows.
`
const STOP_TIMEOUT_MS = 60_000
/** Twice what all topics take when each is as large as its retention lets it be. */
const BROKER_BYTES = 2 ** 31

const { minutes, out, build } = readOptions()
if (build) await buildOurs()
const samples = await soak(minutes * 60)
const judged = verdicts(samples)
await mkdir(out, { recursive: true })
await writeFile(join(out, 'soak.csv'), soakCsv(samples))
await writeFile(join(out, 'soak.svg'), soakPlot(samples, judged))
const { seconds, records } = samples.at(-1) as SoakSample
process.stdout.write(
  `${records.toLocaleString('en')} records in ${(seconds / 60).toFixed(1)} minutes, ${Math.round(records / seconds).toLocaleString('en')} a second\n` +
    `${verdictText(judged)}\n${join(out, 'soak.csv')}\n${join(out, 'soak.svg')}\n`
)
if (judged.some(({ isFlat }) => !isFlat)) process.exitCode = 1

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '20' },
        out: { type: 'string', default: '.cache/soak' },
        'no-build': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    if (values.help) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    const minutes = Number(values.minutes)
    if (!(minutes > 0)) throw new Error(`--minutes is '${values.minutes}'; it must be a number above 0.`)
    return { minutes, out: resolve(values.out), build: !values['no-build'] }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

async function soak(wantedSeconds: number): Promise<SoakSample[]> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
  // Nothing is restored here, so that changelogs need not be whole: what is old goes, and the broker stays small.
  const topicDefaults = { 'retention.bytes': String(2 ** 24), 'segment.bytes': String(2 ** 22) }
  await using broker = await EmbeddedBroker.start({
    port: 0,
    logCleanupIntervalMs: 1000,
    topicDefaults,
    maxMemoryBytes: BROKER_BYTES,
    logger: { ...console, debug() {}, info() {} }
  })
  const feeder = new SoakFeeder(broker.transport())
  await feeder.createTopics()
  const feeding = feeder.run()
  const { command, args, env } = ourWorker('soak/soak-worker.js', {})
  const child = spawn(command, [...args, broker.bootstrap, stateDir], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const samples: SoakSample[] = []
  let startedMs: number | undefined
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('RECORDS ')) {
        feeder.processed = Number(line.slice(8))
        continue
      }
      const sample = JSON.parse(line) as WorkerSample
      if (sample.records === 0) continue
      startedMs ??= performance.now()
      const seconds = (performance.now() - startedMs) / 1000
      samples.push({ ...sample, seconds, diskBytes: stateBytesIn(stateDir) })
      if (samples.length % 60 === 0) say(samples)
      if (seconds >= wantedSeconds) break
    }
    if (child.exitCode !== null) throw new Error(`The application ended by itself with ${child.exitCode}.`)
  } finally {
    feeder.stop()
    await feeding
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    child.kill('SIGTERM')
    if (child.exitCode === null) await exited
    clearTimeout(timer)
    await rm(stateDir, { recursive: true, force: true })
  }
  return samples
}

function say(all: readonly SoakSample[]): void {
  const { seconds, records, rss, heapUsed, diskBytes, openWindows } = all.at(-1) as SoakSample
  const [memory, heap, disk] = [rss, heapUsed, diskBytes].map(bytes => Math.round(bytes / 1e6))
  process.stderr.write(
    `${(seconds / 60).toFixed(1)} min: ${Math.round(records / seconds)} records/s, RSS ${memory} MB, heap ${heap} MB, ` +
      `LevelDB ${disk} MB, ${openWindows} open windows\n`
  )
}
