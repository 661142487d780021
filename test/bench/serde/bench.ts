/**
 * Values decoded and encoded a second by json, avro and registryAvro, and by Java's Avro, over the same records, taken from and
 * written as they are on the record path: out of a batch of many, into bytes that are kept for a moment.
 *
 * `npm run bench:serde -- [--records 10000] [--ms 1000] [--reps 3] [--no-java]`
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { avro, registryAvro } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { json, type Serde } from '@millrace/streams'
import { mavenJars } from '../../../scripts/kafka-jars.ts'

const { values: given } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    ms: { type: 'string', default: '1000' },
    reps: { type: 'string', default: '3' },
    'no-java': { type: 'boolean', default: false },
    /** One of the sides, in this process: what is compiled for one serde must not slow another down. */
    side: { type: 'string' }
  }
})
const [count, measureMs, reps] = [given.records, given.ms, given.reps].map(Number) as [number, number, number]
if (![count, measureMs, reps].every(number => Number.isSafeInteger(number) && number > 0)) {
  throw new Error('--records, --ms and --reps take whole numbers above 0.')
}

const CLICK = {
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'page', type: 'string' },
    { name: 'ms', type: 'int' },
    { name: 'ts', type: 'long' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['VIEW', 'LINK', 'FORM'] } },
    { name: 'referrer', type: ['null', 'string'] },
    { name: 'scroll', type: 'double' },
    { name: 'tags', type: { type: 'array', items: 'string' } }
  ]
} as const

const clicks = Array.from({ length: count }, (_, index) => ({
  user: `user-${index % 1000}`,
  page: `/products/${index % 77}/details`,
  ms: (index * 37) % 5000,
  ts: 1_700_000_000_000 + index,
  kind: (['VIEW', 'LINK', 'FORM'] as const)[index % 3] as 'VIEW',
  referrer: index % 2 === 0 ? null : 'https://example.com/search',
  scroll: (index % 100) / 100,
  tags: index % 5 === 0 ? ['new', 'sale'] : []
}))
type Click = (typeof clicks)[number]

interface Measured {
  readonly direction: string
  readonly records: number
  readonly bytes: number
  readonly ms: number
  readonly cpuMs: number
}

const CONTEXT = { topic: 'clicks', isKey: false }
/** What is made is looked at, so that making it is not left out. */
let seen = 0

function measured(direction: string, pass: () => number, ms: number): Measured {
  const warmUntil = performance.now() + ms / 2
  while (performance.now() < warmUntil) pass()
  const cpu = process.cpuUsage()
  const started = performance.now()
  let [records, bytes] = [0, 0]
  while (performance.now() - started < ms) {
    bytes += pass()
    records += count
  }
  const { user, system } = process.cpuUsage(cpu)
  return { direction, records, bytes, ms: performance.now() - started, cpuMs: (user + system) / 1000 }
}

function ours(serde: Serde<Click>): Measured[] {
  const parts = clicks.map(click => Buffer.from(serde.serialize(click, CONTEXT)))
  const batch = Buffer.concat(parts)
  const read = serde.deserializeRange?.bind(serde) as NonNullable<Serde<Click>['deserializeRange']>
  const decode = () => {
    let at = 0
    for (const part of parts) {
      seen += read(batch, at, at + part.length, CONTEXT).ms
      at += part.length
    }
    return batch.length
  }
  const encode = () => {
    let bytes = 0
    for (const click of clicks) bytes += serde.serialize(click, CONTEXT).length
    return bytes
  }
  return [measured('decode', decode, measureMs), measured('encode', encode, measureMs)]
}

if (given.side === undefined) await compare()
else for (const result of ours(await serdeOf(given.side))) process.stdout.write(`${JSON.stringify(result)}\n`)
if (seen < 0) process.exitCode = 1

async function serdeOf(side: string): Promise<Serde<Click>> {
  if (side === 'json') return json<Click>()
  if (side === 'avro') return avro<Click>(CLICK)
  await using registry = await MemoryRegistry.start()
  const registered = registryAvro<Click>({ url: registry.url, schema: CLICK })
  await registered.prepare?.(CONTEXT, 'read-write')
  return registered
}

async function compare(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-serde-bench-'))
  try {
    const self = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--side']
    const sides = ['json', 'avro', 'registryAvro'].map(
      side => [side, () => run(process.execPath, [...self, side])] as [string, () => Measured[]]
    )
    if (!given['no-java']) sides.push(['Java', await javaSide(dir)])
    // Side by side in each repetition: what slows the machine down for a while slows all of them.
    const results = new Map<string, Measured[]>()
    for (let rep = 0; rep < reps; rep++) {
      for (const [name, measure] of sides) {
        for (const result of measure()) {
          const title = `${result.direction} ${name}`
          results.set(title, [...(results.get(title) ?? []), result])
        }
      }
    }
    process.stdout.write(`${''.padEnd(22)}records/s     MB/s   CPU µs a record   (medians of ${reps})\n`)
    for (const [title, runs] of [...results].sort(([x], [y]) => (x < y ? -1 : 1))) {
      const row = [
        median(runs.map(({ records, ms }) => (records / ms) * 1000))
          .toFixed(0)
          .padStart(9),
        median(runs.map(({ bytes, ms }) => bytes / ms / 1000))
          .toFixed(0)
          .padStart(8),
        median(runs.map(({ cpuMs, records }) => (cpuMs * 1000) / records))
          .toFixed(2)
          .padStart(17)
      ]
      process.stdout.write(`${title.padEnd(22)}${row.join(' ')}\n`)
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): Measured[] {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`)
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Measured)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
}

async function javaSide(dir: string): Promise<() => Measured[]> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const what = { title: "Java's Avro", instead: 'measure with --no-java' }
  const jars = await mavenJars('avro-interop', join(here, '../../registry/pom.xml'), what)
  const [schemaFile, valueFile] = [join(dir, 'schema.json'), join(dir, 'values')]
  await writeFile(schemaFile, JSON.stringify(CLICK))
  const serde = avro<Click>(CLICK)
  const framed = clicks.flatMap(click => {
    const value = serde.serialize(click, CONTEXT)
    const length = Buffer.alloc(4)
    length.writeInt32BE(value.length)
    return [length, value]
  })
  await writeFile(valueFile, Buffer.concat(framed))
  run('javac', ['-cp', `${jars}/*`, '-d', dir, join(here, 'SerdeBench.java')])
  return () => run('java', ['-cp', `${dir}:${jars}/*`, 'SerdeBench', schemaFile, valueFile, String(measureMs)])
}
