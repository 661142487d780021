import './quiet-kafkajs.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { Millrace } from 'millrace'
import type { DelayTable } from './delay-table.ts'
import type { FlightData } from './flight-data.ts'
import { createTopics, deleteTopics, type FlightTopics } from './flight-topics.ts'
import { load } from './load.ts'
import { ResultsReader } from './results-reader.ts'
import { shuffle } from './shuffle.ts'
import { flightsTopology, graceOf } from './topology.ts'
import type { View } from './view.ts'

export interface FlightsRun {
  readonly data: FlightData
  readonly brokers: readonly string[]
  /** Names of topics that do not exist yet. */
  readonly topics: FlightTopics
  /** Undefined: load in the order of the file. */
  readonly seed: number | undefined
  /** Do not delete topics and groups at the end. */
  readonly keepTopics: boolean
  readonly view: View
  /** Ends the run early, in order. */
  readonly signal: AbortSignal
}

export interface FlightsResult {
  readonly weekly: DelayTable
  readonly moving: DelayTable
}

/** Loads the flights, runs the application until it has processed all of them, and reads what it wrote. */
export async function runFlights(run: FlightsRun): Promise<FlightsResult> {
  const cleanup = new AsyncDisposableStack() // runs in reverse, also when something fails
  cleanup.defer(() => run.view.close())
  run.signal.addEventListener('abort', () => run.view.close())
  try {
    return await loadAndCompute(run, cleanup)
  } finally {
    await cleanup.disposeAsync()
  }
}

async function loadAndCompute(run: FlightsRun, cleanup: AsyncDisposableStack): Promise<FlightsResult> {
  const { data, brokers, topics, seed, signal, view } = run
  const kafka = new Kafka({
    clientId: topics.prefix,
    brokers: [...brokers],
    logLevel: logLevel.NOTHING, // what goes wrong is thrown as well
    connectionTimeout: 3000,
    retry: { retries: 5 }
  })

  const admin = kafka.admin({ retry: { retries: 3 } })
  cleanup.defer(() => admin.disconnect())
  await admin.connect().catch((cause: Error) => {
    throw new Error(`No Kafka broker answers at ${brokers.join(', ')}. ${cause.message}`, { cause })
  })
  const results = new ResultsReader(kafka, topics)
  if (!run.keepTopics) {
    cleanup.defer(() =>
      // Must not hide what failed before it.
      deleteTopics(admin, topics, [topics.prefix, results.groupId]).catch((error: Error) => {
        process.stderr.write(`The topics ${topics.prefix}-… could not be deleted: ${error.message}\n`)
      })
    )
  }
  await createTopics(admin, topics)
  signal.throwIfAborted()

  const order = seed === undefined ? data.flights : shuffle(data.flights, seed)
  await load(kafka, topics, { ...data, flights: order }, sent => view.loading(sent, order.length), signal)

  cleanup.defer(() => results.close())
  await results.start()
  view.counting(results.weekly, order.length)
  signal.throwIfAborted()

  await compute(run)
  signal.throwIfAborted()
  await results.readToEnd(signal)
  return { weekly: results.weekly, moving: results.moving }
}

/** The application itself; ends when it has processed everything that was loaded. */
async function compute({ data, brokers, topics, signal }: FlightsRun): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-flights-'))
  try {
    const app = new Millrace(flightsTopology(topics, graceOf(data.flights)), {
      applicationId: topics.prefix,
      brokers,
      processingGuarantee: 'exactly_once',
      stateDir,
      handleSignals: false // main.ts handles them: it may have a broker to stop as well
    })
    const close = () => void app.close().catch(() => {})
    signal.addEventListener('abort', close)
    await app.run({ until: 'end' }).finally(() => signal.removeEventListener('abort', close))
  } finally {
    await rm(stateDir, { recursive: true, force: true })
  }
}
