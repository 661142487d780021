import { parseArgs } from 'node:util'
import { nearestName } from './nearest-name.ts'
import { type TxnCommand, txnCommand } from './txn-command-line.ts'
import { UsageError } from './usage-error.ts'

export interface RunCommand {
  readonly command: 'run'
  /** The application's file, as given. */
  readonly entry: string
  readonly workers: number
  readonly maxRestarts: number
  readonly restartDelayMs: number
  /** What follows `--`: arguments of the application. */
  readonly applicationArguments: readonly string[]
}

export interface BrokerCommand {
  readonly command: 'broker'
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Where it keeps its data; undefined: in memory. */
  readonly data: string | undefined
  readonly fsync: 'never' | 'always'
}

export type CommandLine = RunCommand | BrokerCommand | TxnCommand | { readonly command: 'help' | 'version' }

export { UsageError }

const COMMANDS = ['run', 'broker', 'txn', 'help']
const OPTIONS = {
  workers: { type: 'string', short: 'w' },
  'max-restarts': { type: 'string' },
  'restart-delay-ms': { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string', short: 'p' },
  data: { type: 'string', short: 'd' },
  fsync: { type: 'string' },
  brokers: { type: 'string', short: 'b' },
  'bootstrap-server': { type: 'string' },
  'client-config': { type: 'string', short: 'c' },
  state: { type: 'string', multiple: true },
  'longer-than': { type: 'string' },
  topic: { type: 'string', short: 't' },
  partition: { type: 'string' },
  'start-offset': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

/** Which options belong to one command only. */
const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  run: ['workers', 'max-restarts', 'restart-delay-ms'],
  broker: ['host', 'port', 'data', 'fsync'],
  txn: [
    'brokers',
    'bootstrap-server',
    'client-config',
    'state',
    'longer-than',
    'topic',
    'partition',
    'start-offset',
    'json'
  ]
}

const MAX_WORKERS = 1024
const MAX_PORT = 65_535
/** Where clients look for Kafka. */
const KAFKA_PORT = 9092

/** @throws UsageError */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const applicationArguments = end < 0 ? [] : argv.slice(end + 1)

  // Not parseArgs' own strictness: its message for a misspelt option does not know the right one.
  const { values, positionals, tokens } = parseArgs({
    args: [...own],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true
  })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name as keyof typeof OPTIONS] : undefined
    if (option === undefined) throw unknownName('option', token.rawName, token.name, Object.keys(OPTIONS), '--')
    if (option.type === 'string' && token.value === undefined) throw new UsageError(`${token.rawName} needs a value.`)
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new UsageError(`${token.rawName} takes no value; given was '${token.value}'.`)
    }
  }

  const [command, entry, ...surplus] = positionals
  if (values.help === true || command === 'help') return { command: 'help' }
  if (values.version === true) return { command: 'version' }
  if (command === undefined) throw new UsageError('There is no command. Say, for example, `millrace run app.ts`.')
  if (!COMMANDS.includes(command)) throw unknownName('command', command, command, COMMANDS, '')
  for (const [other, options] of Object.entries(OPTIONS_OF)) {
    const stray = other === command ? undefined : options.find(option => option in values)
    if (stray !== undefined) throw new UsageError(`--${stray} is an option of \`${other}\`, not of \`${command}\`.`)
  }
  if (command === 'txn') return txnCommand(values, [...positionals.slice(1), ...applicationArguments])
  if (command === 'broker') return brokerCommand(values, [entry, ...surplus, ...applicationArguments][0])
  if (entry === undefined) throw new UsageError('`run` needs the file of an application: `millrace run app.ts`.')
  if (surplus.length > 0) {
    throw new UsageError(
      `\`run\` takes one file, then there is '${surplus[0]}'. Arguments for the application follow \`--\`.`
    )
  }
  return {
    command: 'run',
    entry,
    workers: wholeNumber('--workers', values.workers, { lowest: 1, highest: MAX_WORKERS, otherwise: 1 }),
    maxRestarts: wholeNumber('--max-restarts', values['max-restarts'], {
      lowest: 0,
      highest: 1_000_000,
      otherwise: 10
    }),
    restartDelayMs: wholeNumber('--restart-delay-ms', values['restart-delay-ms'], {
      lowest: 0,
      highest: 60_000,
      otherwise: 1000
    }),
    applicationArguments
  }
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function brokerCommand({ host, port, data, fsync = 'never' }: Values, argument: string | undefined): BrokerCommand {
  if (argument !== undefined) throw new UsageError(`\`broker\` takes options only; then there is '${argument}'.`)
  if (fsync !== 'never' && fsync !== 'always') {
    throw new UsageError(`--fsync is 'never' or 'always'; given was '${String(fsync)}'.`)
  }
  if (host === '' || data === '') throw new UsageError(`--${host === '' ? 'host' : 'data'} needs a value.`)
  return {
    command: 'broker',
    host: host === undefined ? '127.0.0.1' : String(host),
    port: wholeNumber('--port', port, { lowest: 0, highest: MAX_PORT, otherwise: KAFKA_PORT }),
    data: data === undefined ? undefined : String(data),
    fsync
  }
}

interface NumberRange {
  readonly lowest: number
  readonly highest: number
  readonly otherwise: number
}

function wholeNumber(option: string, given: unknown, range: NumberRange): number {
  if (given === undefined) return range.otherwise
  const number = /^\d+$/.test(String(given)) ? Number(given) : Number.NaN
  if (number >= range.lowest && number <= range.highest) return number
  throw new UsageError(
    `${option} is a whole number from ${range.lowest} to ${range.highest}; given was '${String(given)}'.`
  )
}

function unknownName(what: string, given: string, name: string, names: readonly string[], prefix: string): UsageError {
  const nearest = nearestName(name, names)
  const advice =
    nearest === undefined
      ? `There are ${names.map(known => `${prefix}${known}`).join(', ')}.`
      : `Did you mean ${prefix}${nearest}?`
  return new UsageError(`There is no ${what} '${given}'. ${advice}`)
}
