// Random and truncated frames for the broker, and whether it keeps memory: `npm run fuzz:broker -- --frames N --seed N`.
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz-run.ts'

const MIB = 1024 * 1024
/** The JIT and the first topics have had their memory by then. */
const WARM_SHARE = 0.2
const MAX_GROWTH_MIB = 16

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } }
})
const [frames, seed] = [Number(values.frames), Number(values.seed)]
if (!(Number.isInteger(frames) && frames > 0 && Number.isInteger(seed))) {
  throw new Error('Usage: npm run fuzz:broker -- [--frames N] [--seed N]')
}
if (gc === undefined) throw new Error('Run it by npm run fuzz:broker: it needs --expose-gc.')
const collect = gc

interface Look {
  readonly frames: number
  readonly heapMib: number
  readonly rssMib: number
}

const looks: Look[] = []
const startMs = performance.now()
const report = await fuzz({ frames, seed, onCleaned: look })
const seconds = (performance.now() - startMs) / 1000
process.stdout.write(
  `${report.frames} frames over ${report.connections} connections, ${report.answers} answers, ${seconds.toFixed(0)} s\n`
)
const warm = looks.filter(look => look.frames >= frames * WARM_SHARE)
const third = Math.ceil(warm.length / 3)
const lowest = (some: readonly Look[]): number => Math.min(...some.map(({ heapMib }) => heapMib))
const growthMib = lowest(warm.slice(-third)) - lowest(warm.slice(0, third))
process.stdout.write(`Heap and buffers grew by ${growthMib.toFixed(1)} MiB after the first ${WARM_SHARE * 100} %.\n`)
for (const error of report.errors.slice(0, 5)) process.stdout.write(`Error logged: ${inspectError(error)}\n`)
if (report.errors.length > 0 || growthMib > MAX_GROWTH_MIB) process.exitCode = 1

async function look(sent: number): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  const seen = { frames: sent, heapMib: (heapUsed + external) / MIB, rssMib: rss / MIB }
  looks.push(seen)
  process.stdout.write(
    `${seen.frames} frames: heap and buffers ${seen.heapMib.toFixed(1)} MiB, RSS ${seen.rssMib.toFixed(0)} MiB\n`
  )
}

function inspectError(error: unknown): string {
  return JSON.stringify(error, (_, value: unknown) => (value instanceof Error ? value.stack : value))
}
