import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** How the values of a topic are shown. */
export type ValueFormat = 'text' | 'int64' | 'avro'

/** What `npm run dev` makes around an application: `dev.json` beside its file says it. */
export interface DevPlan {
  /** The application's file. */
  readonly app: string
  /** Topics to create, with their numbers of partitions. */
  readonly topics: ReadonlyMap<string, number>
  readonly samples: readonly DevSample[]
  /** Topics to print. */
  readonly show: ReadonlyMap<string, ValueFormat>
}

export interface DevSample {
  readonly topic: string
  /** Values to send, at least one; none where a module has the records. */
  readonly lines: readonly string[]
  /** File of a module that exports the records and their serdes. */
  readonly module: string | undefined
  readonly everyMs: number
}

const FORMATS = ['text', 'int64', 'avro']
const DEFAULT_EVERY_MS = 1000

/** @throws Error that says what is wrong with which file. */
export function readDevPlan(file: string): DevPlan {
  const app = resolve(file)
  if (!existsSync(app)) throw new Error(`There is no file '${app}' to run.`)
  const path = join(dirname(app), 'dev.json')
  if (!existsSync(path)) throw new Error(`There is no '${path}'. It names the topics of the application and a sample.`)
  const wrong = (what: string): Error => new Error(`${path}: ${what}.`)
  const { topics, sample, show = {} } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>

  if (!isObject(topics)) throw wrong('`topics` must name topics and their numbers of partitions')
  for (const [topic, count] of Object.entries(topics)) {
    if (!Number.isInteger(count) || Number(count) < 1) throw wrong(`\`topics.${topic}\` must be a number of partitions`)
  }
  const samples = (Array.isArray(sample) ? sample : [sample]).map(each => sampleOf(each, dirname(path), topics, wrong))
  if (!isObject(show)) throw wrong('`show` must name topics and the formats of their values')
  for (const [shown, format] of Object.entries(show)) {
    if (!(shown in topics)) throw wrong(`\`show.${shown}\` is not one of \`topics\``)
    if (!FORMATS.includes(String(format))) throw wrong(`\`show.${shown}\` must be one of ${FORMATS.join(', ')}`)
  }
  return {
    app,
    topics: new Map(Object.entries(topics as Record<string, number>)),
    samples,
    show: new Map(Object.entries(show as Record<string, ValueFormat>))
  }
}

function sampleOf(
  sample: unknown,
  dir: string,
  topics: Record<string, unknown>,
  wrong: (what: string) => Error
): DevSample {
  if (!isObject(sample)) throw wrong('`sample` must have a `topic` and a `file` or a `module`')
  const { topic, file, module, everyMs = DEFAULT_EVERY_MS } = sample
  if (typeof topic !== 'string' || !(topic in topics)) throw wrong('`sample.topic` must be one of `topics`')
  if (typeof everyMs !== 'number' || !(everyMs > 0)) throw wrong('`sample.everyMs` must be above 0')
  if (typeof module === 'string' && file === undefined) {
    if (!existsSync(join(dir, module))) throw wrong(`there is no file '${module}' beside it`)
    return { topic, lines: [], module: join(dir, module), everyMs }
  }
  if (typeof file !== 'string' || module !== undefined) {
    throw wrong('`sample.file` must be a file of text, beside it, or `sample.module` one of TypeScript')
  }
  const lines = readFileSync(join(dir, file), 'utf8').split('\n').filter(Boolean)
  if (lines.length === 0) throw wrong(`'${file}' has no line to send`)
  return { topic, lines, module: undefined, everyMs }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
