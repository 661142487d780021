import { parseArgs } from 'node:util'

export const USAGE = `Average delays of 20,000 US flights per state and window, computed by Millrace on Kafka, exactly once.

npm start -- [--brokers HOST:PORT,…] [--seed N] [--keep]

  --brokers LIST  the Kafka to use; default: KAFKA_BROKERS. Without either, an embedded broker runs in this process
                  and ends with it
  --seed N        load the flights in the shuffled order number N; the result is the same
  --keep          do not delete the topics at the end; needs a Kafka that is there already
  --help

Exit code: 0 if the result equals a plain recomputation of the same files, 1 if not or when something failed.
`

export interface CommandLine {
  /** Undefined: start a broker. */
  readonly brokers: readonly string[] | undefined
  /** Undefined: load in the order of the file. */
  readonly seed: number | undefined
  readonly keep: boolean
  readonly help: boolean
}

/** @throws UsageError for what is not among the options above. */
export function parseCommandLine(args: readonly string[], env: NodeJS.ProcessEnv): CommandLine {
  const { brokers: list, seed, keep = false, help = false } = parse(args)
  if (help) return { brokers: undefined, seed: undefined, keep, help }
  const brokers = parseBrokers(list ?? (env.KAFKA_BROKERS || undefined), list === undefined)
  if (keep && brokers === undefined) {
    throw new UsageError(
      '--keep needs a Kafka that outlives this run. Name it with --brokers or KAFKA_BROKERS; `npx millrace broker` runs one.'
    )
  }
  return { brokers, seed: seed === undefined ? undefined : parseSeed(seed), keep, help }
}

/** The command line asks for something that can't be; the message says what could. */
export class UsageError extends Error {}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        brokers: { type: 'string' },
        seed: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}. See --help.`)
  }
}

function parseBrokers(list: string | undefined, fromEnvironment: boolean): string[] | undefined {
  if (list === undefined) return undefined
  const brokers = list.split(',').map(broker => broker.trim())
  const wrong = brokers.find(broker => !/^\S+:\d+$/.test(broker))
  if (wrong === undefined) return brokers
  const source = fromEnvironment ? 'KAFKA_BROKERS' : '--brokers'
  throw new UsageError(`${source} is a list of host:port, separated by commas; '${wrong}' is not host:port.`)
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && seed < 2 ** 32) return seed
  throw new UsageError(`--seed takes a whole number from 0 to ${2 ** 32 - 1}, not '${text}'.`)
}
