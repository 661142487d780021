// Sensor readings from an Observable, averages of five minutes, alerts as an Observable. Uses the Kafka of KAFKA_BROKERS, or an
// embedded broker in this process.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedBroker } from '@millrace/broker'
import { fromObservable, fromTopic } from '@millrace/rxjs'
import { json, kafkaClient, Millrace, string, windowedKey } from 'millrace'
import { count, filter, lastValueFrom, map, timeout, toArray } from 'rxjs'
import { type Reading, sensorReadings } from './readings.ts'
import { recomputed, windowName } from './recomputation.ts'
import { sensorTopology } from './topology.ts'

const HOT_CELSIUS = 30
const PARTITIONS = 2
const LIMIT_MS = 60_000

const cleanup = new AsyncDisposableStack()
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
} finally {
  await cleanup.disposeAsync()
}

async function main(): Promise<number> {
  const named = process.env['KAFKA_BROKERS']
  const bootstrap = named || cleanup.use(await EmbeddedBroker.start({ port: 0 })).bootstrap
  const brokers = bootstrap.split(',')
  const kafka = kafkaClient({ brokers })
  cleanup.defer(() => kafka.close())

  // Names of its own, so that runs can share a Kafka.
  const applicationId = `rxjs-sensors-${randomBytes(4).toString('hex')}`
  const [readings, averages] = [`${applicationId}-readings`, `${applicationId}-averages`]
  // Kafka deletes by the time of records, and these are of 2025.
  const topic = { partitionCount: PARTITIONS, replicationFactor: -1, configs: { 'retention.ms': '-1' } }
  cleanup.defer(async () => {
    const all = [...(await kafka.admin.describeTopics()).keys()].filter(name => name.startsWith(applicationId))
    await kafka.admin.deleteTopics(all)
  })
  await kafka.admin.createTopics([readings, averages].map(name => ({ name, ...topic })))

  // Written by an Observable; asked for as fast as they are written.
  const source = sensorReadings().map(reading => ({ key: reading.sensor, value: reading, ...timeOf(reading) }))
  const written$ = fromObservable(source, kafka, readings, { key: string(), value: json<Reading>() })
  print(`${await lastValueFrom(written$.pipe(count()))} readings written`)

  const { topology, averages$ } = sensorTopology(readings, averages)
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-sensors-'))
  cleanup.defer(() => rm(stateDir, { recursive: true, force: true }))
  const app = new Millrace(topology, {
    applicationId,
    brokers,
    stateDir,
    processingGuarantee: 'exactly_once',
    commitIntervalMs: 100,
    handleSignals: false
  })
  cleanup.defer(() => app.close())

  // Alerts, while the application runs.
  const alerts: string[] = []
  averages$
    .pipe(
      filter(({ value }) => value !== null && value > HOT_CELSIUS),
      map(
        ({ key, value }) =>
          `alert: ${key.key} at ${value} °C from ${new Date(key.startMs).toISOString().slice(11, 16)} on`
      )
    )
    .subscribe(alert => {
      alerts.push(alert)
      print(alert)
    })
  await app.run({ until: 'end' })

  // What is committed, as everyone else reads it.
  const results$ = fromTopic(
    kafka,
    averages,
    { key: windowedKey(string()), value: json<number>() },
    { from: 'earliest', until: 'end' }
  )
  const results = new Map(
    (await lastValueFrom(results$.pipe(timeout(LIMIT_MS), toArray()))).map(({ key, value }) => [
      key === null ? '' : windowName(key.key, key.startMs),
      value
    ])
  )
  // One may come twice, had a commit failed.
  return check(results, new Set(alerts))
}

function check(results: ReadonlyMap<string, number | null>, alerts: ReadonlySet<string>): number {
  const expected = recomputed()
  const wrong = [...expected].filter(([name, value]) => results.get(name) !== value)
  const unexpected = [...results.keys()].filter(name => !expected.has(name))
  const hot = [...expected.values()].filter(value => value > HOT_CELSIUS).length
  print(`${results.size} averages, ${alerts.size} alerts`)
  if (wrong.length === 0 && unexpected.length === 0 && alerts.size === hot && hot > 0) {
    print('OK: the same as a plain recomputation.')
    return 0
  }
  print(
    `Not the same as a plain recomputation: ${wrong.length} wrong, ${unexpected.length} unexpected, ${hot} alerts due.`
  )
  return 1
}

function timeOf({ timestampMs }: Reading): { readonly timestampMs: number } {
  return { timestampMs }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
