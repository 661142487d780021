import { constants } from 'node:os'
import { type Broker, useBroker } from './broker.ts'
import { type CommandLine, parseCommandLine, USAGE, UsageError } from './command-line.ts'
import { DAY_MS, type FlightData, readFlightData, timeSpan } from './flight-data.ts'
import { newFlightTopics } from './flight-topics.ts'
import { LiveView } from './live-view.ts'
import { PlainView, windowLines } from './plain-view.ts'
import { recompute } from './recomputation.ts'
import { runFlights } from './run-flights.ts'
import { summarize } from './summary.ts'
import { MOVING_DAYS, WEEK_DAYS } from './windows.ts'
import type { View } from './view.ts'

const MIN_COLUMNS = 60
const MIN_ROWS = 18
const STATES_IN_LINES = 5

const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function main({ brokers, seed, keep }: CommandLine, signal: AbortSignal): Promise<number> {
  const broker = await useBroker(brokers)
  try {
    return await runOn(broker, seed, keep, signal)
  } finally {
    await broker.stop()
  }
}

async function runOn(broker: Broker, seed: number | undefined, keep: boolean, signal: AbortSignal): Promise<number> {
  const topics = newFlightTopics()
  const where = broker.brokers.join(', ')
  if (broker.ours) print(`Kafka: embedded broker, ${where}, for this run only (KAFKA_BROKERS names none)`)
  else print(`Kafka: ${where}, topics ${topics.prefix}-…`)
  const data = await readFlightData()
  const expected = recompute(data)
  const states = busiestStates(data)
  signal.throwIfAborted()

  const live = isRoomyTerminal()
  const view: View = live ? new LiveView(process.stdout, states, weekStartsMs(data)) : new PlainView(print)
  const keepTopics = keep || broker.ours // they go with their broker
  const results = await runFlights({ data, brokers: broker.brokers, topics, seed, keepTopics, view, signal })

  if (!live) {
    print('\nTumbling windows: weeks')
    const shown = states.slice(0, STATES_IN_LINES)
    for (const line of windowLines({ table: results.weekly, windowDays: WEEK_DAYS, states: shown })) print(line)
    print('\nHopping windows: 7 days, beginning each day')
    for (const line of windowLines({ table: results.moving, windowDays: MOVING_DAYS, states: [] })) print(line)
  }
  print('')
  const summary = summarize(data, results, expected)
  for (const line of summary.lines) print(line)
  if (keep) print(`Kept: the topics that begin with ${topics.prefix}-`)
  return summary.holds ? 0 : 1
}

function isRoomyTerminal(): boolean {
  const { isTTY, columns, rows } = process.stdout
  return isTTY && process.env.TERM !== 'dumb' && columns >= MIN_COLUMNS && rows >= MIN_ROWS
}

function busiestStates({ flights, airports }: FlightData): string[] {
  const stateOf = new Map(airports.map(airport => [airport.iata, airport.state]))
  const counts = new Map<string, number>()
  for (const { origin } of flights) {
    const state = stateOf.get(origin)
    if (state !== undefined) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return [...counts].sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1)).map(([state]) => state)
}

function weekStartsMs({ flights }: FlightData): number[] {
  const { firstMs, lastMs } = timeSpan(flights)
  const weekMs = WEEK_DAYS * DAY_MS
  const starts: number[] = []
  for (let startMs = firstMs - (firstMs % weekMs); startMs <= lastMs; startMs += weekMs) starts.push(startMs)
  return starts
}

const stop = new AbortController()
let stoppedBy: NodeJS.Signals | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Once: a second one ends the process at once, as it would without us; a broker of ours then dies with us.
  process.once(signal, () => {
    stoppedBy ??= signal
    stop.abort() // first, so that the message is not drawn over
    process.stderr.write(`${signal}: stopping …\n`)
  })
}
try {
  const commandLine = parseCommandLine(process.argv.slice(2), process.env)
  if (commandLine.help) process.stdout.write(USAGE)
  else process.exitCode = await main(commandLine, stop.signal)
} catch (error) {
  if (stoppedBy === undefined) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
if (stoppedBy !== undefined) process.exitCode = 128 + constants.signals[stoppedBy]
