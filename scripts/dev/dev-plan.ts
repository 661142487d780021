import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** How the values of a topic are shown. */
export type ValueFormat = 'text' | 'int64'

/** What `npm run dev` makes around an application: `dev.json` beside its file says it. */
export interface DevPlan {
  /** The application's file. */
  readonly app: string
  /** Topics to create, with their numbers of partitions. */
  readonly topics: ReadonlyMap<string, number>
  readonly sample: DevSample
  /** Topics to print. */
  readonly show: ReadonlyMap<string, ValueFormat>
}

export interface DevSample {
  readonly topic: string
  /** Values to send, at least one. */
  readonly lines: readonly string[]
  readonly everyMs: number
}

const FORMATS = ['text', 'int64']
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
  if (!isObject(sample)) throw wrong('`sample` must have a `topic` and a `file`')
  const { topic, file: sampleFile, everyMs = DEFAULT_EVERY_MS } = sample
  if (typeof topic !== 'string' || !(topic in topics)) throw wrong('`sample.topic` must be one of `topics`')
  if (typeof sampleFile !== 'string') throw wrong('`sample.file` must be a file of text, beside it')
  if (typeof everyMs !== 'number' || !(everyMs > 0)) throw wrong('`sample.everyMs` must be above 0')
  const lines = readFileSync(join(dirname(path), sampleFile), 'utf8')
    .split('\n')
    .filter(Boolean)
  if (lines.length === 0) throw wrong(`'${sampleFile}' has no line to send`)
  if (!isObject(show)) throw wrong('`show` must name topics and the formats of their values')
  for (const [shown, format] of Object.entries(show)) {
    if (!(shown in topics)) throw wrong(`\`show.${shown}\` is not one of \`topics\``)
    if (!FORMATS.includes(String(format))) throw wrong(`\`show.${shown}\` must be one of ${FORMATS.join(', ')}`)
  }
  return {
    app,
    topics: new Map(Object.entries(topics as Record<string, number>)),
    sample: { topic, lines, everyMs },
    show: new Map(Object.entries(show as Record<string, ValueFormat>))
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
