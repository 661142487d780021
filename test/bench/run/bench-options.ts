import { parseArgs } from 'node:util'
import type { WorkloadName } from '../data/expected-output.ts'
import { SYSTEM_NAMES, type SystemName } from './systems.ts'

export const WORKLOAD_NAMES: readonly WorkloadName[] = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']
const OTHER_PIECES = ['latency', 'growth', 'json', 'tasks'] as const
export type OtherPiece = (typeof OTHER_PIECES)[number]

export interface BenchOptions {
  readonly workloads: readonly WorkloadName[]
  readonly others: readonly OtherPiece[]
  readonly systems: readonly SystemName[]
  readonly records: number
  readonly reps: number
  readonly seed: number
  /** For one run of a workload. */
  readonly timeoutMs: number
  readonly out: string | undefined
  /** Files whose table is wanted; then nothing is run. */
  readonly merge: readonly string[]
  readonly build: boolean
}

export const USAGE = `npm run bench -- [W1 … W6] [latency] [growth] [json] [tasks] [options]

  --records 1000000      input records of a workload
  --reps 3               repetitions, of which the median counts
  --systems ours,java1   of ${SYSTEM_NAMES.join(', ')}
  --out FILE             writes every run to a JSON file
  --merge FILE           prints the table of such files, and runs nothing; may be repeated
  --seed 42              of the input
  --timeout 600          seconds for one run
  --no-build             takes what npm run bench:build has made

Without pieces it runs W1 … W6. KAFKA_BROKERS names a broker to use; else one is started (Java 17 and Maven).
test/bench/README.md tells what is measured.
`

/** What is wrong with a command line, for its user. */
export class BadOption extends Error {}

/** @returns undefined when help is asked for. @throws BadOption */
export function benchOptions(args: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parsed(args)
  if (values.help) return undefined
  const workloads = new Set<WorkloadName>()
  const others = new Set<OtherPiece>()
  for (const piece of positionals) {
    if (isOneOf(WORKLOAD_NAMES, piece)) workloads.add(piece)
    else if (isOneOf(OTHER_PIECES, piece)) others.add(piece)
    else
      throw new BadOption(
        `There is no '${piece}' to run; there are ${[...WORKLOAD_NAMES, ...OTHER_PIECES].join(', ')}.`
      )
  }
  if (values.merge.length > 0 && positionals.length > 0)
    throw new BadOption('--merge runs nothing; leave the pieces out.')
  const systems = values.systems.split(',').map(name => {
    if (isOneOf(SYSTEM_NAMES, name)) return name
    throw new BadOption(`There is no system '${name}'; there are ${SYSTEM_NAMES.join(', ')}.`)
  })
  return {
    workloads: positionals.length === 0 ? WORKLOAD_NAMES : [...workloads],
    others: [...others],
    systems: [...new Set(systems)],
    records: whole('records', values.records),
    reps: whole('reps', values.reps),
    seed: whole('seed', values.seed),
    timeoutMs: 1000 * whole('timeout', values.timeout),
    out: values.out,
    merge: values.merge,
    build: !values['no-build']
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        records: { type: 'string', default: '1000000' },
        reps: { type: 'string', default: '3' },
        systems: { type: 'string', default: 'ours,java1' },
        out: { type: 'string' },
        merge: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string', default: '42' },
        timeout: { type: 'string', default: '600' },
        'no-build': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    throw new BadOption((error as Error).message)
  }
}

export function whole(option: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new BadOption(`--${option} is '${text}'; it must be a whole number above 0.`)
}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name)
}
