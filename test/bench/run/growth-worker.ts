/**
 * What a record costs once the store holds so many keys: `growth-worker.ts RECORDS KEYS…`. A count under the production task, fed from
 * memory, on LevelDB, without a record cache. Each number of keys is reached by a record for each new key; then the store is opened anew, as
 * after a restart, and there come records with keys drawn by a power law, as in W2, and uniformly. A line of JSON each.
 */
import { json, StreamsBuilder, string } from '@millrace/streams'
import { stateBytesIn } from '../state-bytes.ts'
import { ByteReader, type ReleasedReader } from '../core/byte-readers.ts'
import { Random } from '../core/core-records.ts'
import { CoreTask } from '../core/core-task.ts'
import { openRawStore } from '../core/run-core.ts'
import type { GrowthRun } from './results.ts'

/** Between two commits. */
const CHUNK = 20_000
const SLOT_BYTES = 128
const DRAWN = ['power law', 'uniform'] as const

/** The input, a chunk at a time, in the same bytes. */
class ChunkReader extends ByteReader implements ReleasedReader {
  readonly buffer = Buffer.alloc(CHUNK * SLOT_BYTES)
  highWatermark = 0
  private readonly keyEnds = new Int32Array(CHUNK)
  private readonly ends = new Int32Array(CHUNK)
  private filled = 0

  write(key: number): void {
    const start = this.filled * SLOT_BYTES
    const keyEnd = start + this.buffer.write(`user-${key}`, start, 'latin1')
    const value = `{"user":"user-${key}","page":"/p/${key % 1000}","ms":${key % 977},"ts":1767225600000}`
    this.keyEnds[this.filled] = keyEnd
    this.ends[this.filled++] = keyEnd + this.buffer.write(value, keyEnd, 'latin1')
  }

  release(): void {
    this.highWatermark += this.filled
    this.filled = 0
  }

  next(): boolean {
    if (this.position >= this.highWatermark) return false
    const slot = CHUNK - (this.highWatermark - this.position)
    this.offset = this.position++
    this.timestampMs = 1_767_225_600_000 + this.offset
    this.keyStart = slot * SLOT_BYTES
    this.keyEnd = this.keyEnds[slot] as number
    this.valueStart = this.keyEnd
    this.valueEnd = this.ends[slot] as number
    return true
  }
}

const [records, ...sizes] = process.argv.slice(2).map(Number) as [number, ...number[]]
const builder = new StreamsBuilder()
builder
  .stream('in', { key: string(), value: json<{ user: string }>() })
  .groupByKey()
  .count({ store: 'counts' })
  .toStream()
  .to('out', { key: string(), value: json<number>() })
const { raw, stateDir, reopen, dispose } = await openRawStore('level')
const reader = new ChunkReader('in')
const topology = builder.build()
let task = await CoreTask.open(topology, [reader], raw)
const random = new Random()
let peakRssBytes = 0

let keys = 0
for (const size of sizes) {
  // In an order that has nothing to do with the keys' own.
  const stride = strideFor(size - keys)
  const from = keys
  await run(size - keys, i => from + ((i * stride) % (size - from)))
  keys = size
  await task.close()
  task = await CoreTask.open(topology, [reader], await reopen())
  for (const drawn of DRAWN) {
    const key =
      drawn === 'uniform' ? () => random.next(size) : () => Math.floor(size * (random.next(2 ** 31) / 2 ** 31) ** 3)
    // The first part fills what memory keeps of the store with the keys that are drawn.
    await run(records, key)
    const { cpuMicros, wallMicros } = await run(records, key)
    const figures: GrowthRun = {
      ...{ piece: 'growth', keys, drawn, records, cpuMicros, wallMicros, peakRssBytes },
      stateBytes: stateBytesIn(stateDir)
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
  }
}
await task.close()
await dispose()

/** @returns the cost of a record, of all threads, without that of making its bytes. */
async function run(count: number, keyAt: (i: number) => number): Promise<{ cpuMicros: number; wallMicros: number }> {
  const whole = Math.ceil(count / CHUNK) * CHUNK
  let [cpuMicros, wallMicros] = [0, 0]
  for (let end = CHUNK; end <= whole; end += CHUNK) {
    for (let i = end - CHUNK; i < end; i++) reader.write(keyAt(i % count))
    const [cpu, wall] = [process.cpuUsage(), performance.now()]
    task.processTo(CHUNK)
    await task.commit()
    const { user, system } = process.cpuUsage(cpu)
    cpuMicros += user + system
    wallMicros += 1000 * (performance.now() - wall)
    task.clearLogs()
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())
  }
  return { cpuMicros: cpuMicros / whole, wallMicros: wallMicros / whole }
}

/** A number that is coprime to `count`, so that its multiples come to every rest once. */
function strideFor(count: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  for (let stride = Math.floor(count * 0.6180339887); ; stride++) if (gcd(stride, count) === 1) return stride
}
