// The embedded broker beside Apache Kafka: same machine, same client, same run. `npm run bench:broker -- [--records N]
// [--rounds N]`, with KAFKA_BROKERS or with Java and Maven. It measures what `npm run build` has built.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EmbeddedBroker } from '@millrace/broker'
import type { Transport } from '@millrace/client'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { BrokerProcess } from './broker-process.ts'
import { produceAndFetch, type Rates } from './produce-and-fetch.ts'

const STARTS = 9
const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } }
})
const [records, rounds] = [Number(values.records), Number(values.rounds)]
const brokers = process.env.KAFKA_BROKERS?.split(',')
if (brokers === undefined) throw new Error('Run it by npm run bench:broker, or set KAFKA_BROKERS.')

// The first start compiles; what it compiled is kept for the others.
await (await BrokerProcess.start()).stop()
const starts: number[] = []
const sizes: number[] = []
for (let i = 0; i < STARTS; i++) {
  const started = await BrokerProcess.start()
  starts.push(started.startMs)
  sizes.push(started.rssBytes / 1e6)
  await started.stop()
}
row('start to the first connection', `${median(starts).toFixed(0)} ms (fastest ${Math.min(...starts).toFixed(0)})`)
row('RSS after the start', `${median(sizes).toFixed(0)} MB`)

const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const [inMemory, onDisk] = [await BrokerProcess.start(), await BrokerProcess.start(dir)]
const inProcess = await EmbeddedBroker.start({ maxMemoryBytes: 4 * 2 ** 30 })
const sides: readonly { readonly name: string; readonly transport: () => Transport; readonly rates: Rates[] }[] = [
  { name: 'Apache Kafka', transport: () => kafkajsTransport({ brokers }), rates: [] },
  { name: 'embedded, memory, TCP', transport: () => kafkajsTransport({ brokers: [inMemory.address] }), rates: [] },
  { name: 'embedded, disk, TCP', transport: () => kafkajsTransport({ brokers: [onDisk.address] }), rates: [] },
  { name: 'embedded, same process', transport: () => inProcess.transport(), rates: [] }
]
try {
  // The first round is not counted: it warms both sides up.
  for (let round = 0; round <= rounds; round++) {
    for (const { transport, rates } of sides) {
      const measured = await produceAndFetch(transport(), `bench-broker-${process.pid}-${round}`, records)
      if (round > 0) rates.push(measured)
    }
  }
} finally {
  inMemory[Symbol.dispose]()
  onDisk[Symbol.dispose]()
  await inProcess.close()
  await rm(dir, { recursive: true, force: true })
}

const kafka = sides[0]?.rates ?? []
process.stdout.write(
  `${records} records of 100 bytes, median of ${rounds} rounds; thousands a second, share of Kafka's:\n`
)
for (const { name, rates } of sides) {
  const columns = (['produce', 'fetch'] as const).map(what => {
    const rate = median(rates.map(each => each[what]))
    const share = rate / median(kafka.map(each => each[what]))
    return `${what} ${(rate / 1000).toFixed(0).padStart(5)} (${share.toFixed(2)})`
  })
  row(name, columns.join('   '))
}

function row(name: string, figures: string): void {
  process.stdout.write(`${name.padEnd(30)} ${figures}\n`)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
