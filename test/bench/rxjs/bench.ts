/**
 * What `pipeThrough` costs beside the same functions as operators of the stream: the production task, fed from memory, without Kafka.
 *
 * `npm run bench:rxjs -- [--records 400000] [--reps 5]`
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pipeThrough } from '@millrace/rxjs'
import { json, StreamsBuilder, string } from '@millrace/streams'
import { MemoryRawStore } from '@millrace/streams/state'
import { filter, map, pipe } from 'rxjs'
import { packRecords } from '../core/core-records.ts'
import { CoreTask } from '../core/core-task.ts'

interface Click {
  readonly user: string
  readonly page: string
  readonly ms: number
}

const { values: given } = parseArgs({
  options: {
    records: { type: 'string', default: '400000' },
    reps: { type: 'string', default: '5' },
    /** One of the sides, in this process. */
    side: { type: 'string' }
  }
})
const [count, reps] = [Number(given.records), Number(given.reps)]
if (![count, reps].every(number => Number.isSafeInteger(number) && number > 0)) {
  throw new Error('--records and --reps take whole numbers above 0.')
}

const isEven = ({ ms }: Click): boolean => ms % 2 === 0
const msOf = ({ ms }: Click): number => ms
const SIDES = ['filter, mapValues', 'pipeThrough'] as const

if (given.side === undefined) compare()
else process.stdout.write(`${await cpuMicros(given.side)}\n`)

/** CPU µs a record, of a warm process. */
async function cpuMicros(side: string): Promise<number> {
  const builder = new StreamsBuilder()
  const clicks = builder.stream('in', { key: string(), value: json<Click>() })
  const values =
    side === 'pipeThrough'
      ? pipeThrough(clicks, pipe(filter(isEven), map(msOf)))
      : clicks.filter((_, click) => isEven(click)).mapValues(msOf)
  values.to('out', { key: string(), value: json<number>() })
  const chunk = 10_000
  const warm = 10 * chunk
  const records = packRecords(['in'], warm + count, 1, (i, random) => ({
    topic: 0,
    key: `user-${i % 1_000}`,
    value: { user: `user-${i % 1_000}`, page: `/p/${i % 77}`, ms: random.next(5_000) }
  }))
  const task = await CoreTask.open(builder.build(), records, new MemoryRawStore())
  let spent = 0
  for (let end = chunk; end <= warm + count; end += chunk) {
    const cpu = process.cpuUsage()
    task.processTo(end)
    const { user, system } = process.cpuUsage(cpu)
    if (end > warm) spent += user + system
    task.clearLogs()
  }
  await task.close()
  return spent / count
}

function compare(): void {
  const results = new Map<string, number[]>(SIDES.map(side => [side, []]))
  for (let rep = 0; rep < reps; rep++) {
    for (const [side, runs] of results) {
      const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--side', side]
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      runs.push(Number(stdout))
    }
  }
  process.stdout.write(`CPU µs a record (medians of ${reps})\n`)
  for (const [side, runs] of results) {
    const median = runs.toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] as number
    process.stdout.write(`${side.padEnd(20)}${median.toFixed(2).padStart(8)}\n`)
  }
}
