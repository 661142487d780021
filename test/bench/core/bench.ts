/**
 * What the record path costs without Kafka: each topology under the production task, fed from memory, on LevelDB and in memory, beside
 * Kafka Streams' TopologyTestDriver with the same topology and records; or, with `--memory`, what an open window and a buffered record
 * take. docs/performance.md tells how to read it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeRecords } from './core-records.ts'
import { type CoreScenario, coreRecords, coreScenarios } from './core-scenarios.ts'
import { type CoreSide, JavaSides, ourSide, whyNoJava } from './core-side.ts'
import { type CoreRow, coreTable, median, scalingLines } from './core-table.ts'
import { measureMemory, memoryTable } from './measure-memory.ts'
import type { CoreResult, CoreStore } from './run-core.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    records: { type: 'string', default: '40000' },
    fill: { type: 'string', default: '40000' },
    keys: { type: 'string', default: '2000' },
    reps: { type: 'string', default: '3' },
    'commit-every': { type: 'string', default: '10000' },
    'no-java': { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
if (values.help) {
  process.stdout.write(
    'npm run bench:core -- [--only session,count] [--records 40000] [--fill 40000] [--keys 2000] [--reps 3]\n' +
      '                      [--commit-every 10000] [--no-java] [--json]\n' +
      'npm run bench:core -- --memory [--records 40000] [--json]\n' +
      'docs/performance.md tells what the options mean and how to read what comes out.\n'
  )
  process.exit(0)
}

function whole(option: 'records' | 'fill' | 'keys' | 'reps' | 'commit-every'): number {
  const number = Number(values[option])
  if (Number.isSafeInteger(number) && number > 0) return number
  process.stderr.write(`--${option} is '${values[option]}'; it must be a whole number above 0.\n`)
  process.exit(2)
}

const [count, fill, keys, reps, chunk] = [
  ...[whole('records'), whole('fill'), whole('keys')],
  ...[whole('reps'), whole('commit-every')]
] as [number, number, number, number, number]
if (values.memory) {
  const rows = measureMemory(count)
  process.stdout.write(values.json ? `${JSON.stringify(rows, undefined, 2)}\n` : `${memoryTable(rows)}\n`)
  process.exit(0)
}

const wanted = values.only.split(',').filter(name => name !== '')
const scenarios = coreScenarios(keys).filter(
  ({ name, topology }) => wanted.length === 0 || wanted.includes(name) || wanted.includes(topology)
)
if (scenarios.length === 0) {
  const names = coreScenarios(keys).map(({ name }) => `'${name}'`)
  process.stderr.write(`--only ${values.only} names no scenario. There are ${names.join(', ')}.\n`)
  process.exit(2)
}

const say = (text: string): void => void process.stderr.write(text)
const noJava = values['no-java'] ? 'it was not asked for' : whyNoJava()
if (noJava !== undefined) say(`Without the Java rows, which need a JDK (17 or newer) and Maven: ${noJava}.\n`)
const java = noJava === undefined ? await JavaSides.compile() : undefined
const dir = await mkdtemp(join(tmpdir(), 'millrace-core-bench-records-'))
const rows: CoreRow[] = []
try {
  for (const scenario of scenarios) {
    const row = await measure(scenario)
    rows.push(row)
    // A run takes minutes, and may be given up.
    say(`\r${coreTable([row])}\n`)
  }
} finally {
  await rm(dir, { recursive: true })
  await java?.remove()
}
say('\n')
if (values.json) process.stdout.write(`${JSON.stringify({ records: count, fill, keys, reps, rows }, undefined, 2)}\n`)
else process.stdout.write(`${coreTable(rows)}\n${scalingLines(rows).join('\n')}\n`)

/** Every variant once for warmth, then in turns. */
async function measure(scenario: CoreScenario): Promise<CoreRow> {
  const file = join(dir, 'records')
  await writeFile(file, encodeRecords(coreRecords(scenario, fill + count)))
  const sides: { name: string; store: CoreStore; side: CoreSide; results: CoreResult[] }[] = []
  // Processes of their own for each scenario: no side profits or suffers from code compiled for another.
  for (const [name, side] of [['ours', ourSide()] as const, ['java', java?.start()] as const]) {
    if (side === undefined) continue
    for (const store of ['level', 'memory'] as const) sides.push({ name: `${name}-${store}`, store, side, results: [] })
  }
  for (let rep = 0; rep <= reps; rep++) {
    say(`\r${scenario.name}: ${rep === 0 ? 'warming up' : `repetition ${rep} of ${reps}`}          `)
    for (const { store, side, results } of sides) {
      results.push(await side.run({ topology: scenario.topology, store, fill, chunk }, file))
    }
  }
  for (const side of new Set(sides.map(({ side }) => side))) await side.close()
  const checksums = new Set(sides.flatMap(({ results }) => results.map(({ checksum }) => checksum)))
  if (checksums.size > 1) {
    const list = sides.map(({ name, results }) => `${name} ${results.map(({ checksum }) => checksum).join(' ')}`)
    throw new Error(`The outputs of '${scenario.name}' differ, so their times say nothing: ${list.join('; ')}`)
  }
  const nanosOf = (name: string, of: 'nanos' | 'cpuNanos'): number | undefined => {
    const results = sides.find(side => side.name === name)?.results.slice(1)
    return results === undefined ? undefined : median(results.map(result => result[of])) / count
  }
  return {
    scenario,
    outputsPerRecord: (sides[0]?.results[0]?.outputs ?? 0) / count,
    checksum: [...checksums][0] as number,
    nanos: Object.fromEntries(sides.map(({ name }) => [name, nanosOf(name, 'nanos') as number])),
    cpuNanos: Object.fromEntries(sides.map(({ name }) => [name, nanosOf(name, 'cpuNanos') as number]))
  }
}
