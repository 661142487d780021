/**
 * An independent client, the same for all systems: sends clicks at a rate, reads what comes of them, and prints how long that took as a
 * line of JSON. The parent says in environment variables what to do.
 */
import { Kafka, logLevel } from 'kafkajs'
import { PAGES, partitionOf, USERS } from '../data/clicks-input.ts'

/** Records of one tick leave together. */
const TICK_MS = 2
const START_TIMEOUT_MS = 120_000
const REST_TIMEOUT_MS = 20_000

const setting = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`The environment variable ${name} is missing.`)
  return value
}
const rate = Number(setting('RATE'))
const warmCount = rate * Number(setting('WARM_SECONDS'))
const count = warmCount + rate * Number(setting('SECONDS'))

/** By number of the record; its number is the record's `ts`. */
const sentMs = new Float64Array(count)
const latenciesMs = new Float64Array(count).fill(Number.NaN)
let awaited = 0
for (let i = 0; i < count; i++) if (msOf(i) % 2 === 0) awaited++

const kafka = new Kafka({ brokers: setting('BROKERS').split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `${setting('OUTPUT')}-probe`, maxWaitTimeInMs: 1000, minBytes: 1 })
const producer = kafka.producer()
await Promise.all([consumer.connect(), producer.connect()])
await consumer.subscribe({ topic: setting('OUTPUT'), fromBeginning: true })
const complete = Promise.withResolvers<void>()
const begun = Promise.withResolvers<void>()
const joined = new Promise<void>(resolve => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    const nowMs = performance.now()
    for (const { value } of batch.messages) {
      const { ts } = JSON.parse(String(value)) as { ts: number }
      if (Number.isNaN(latenciesMs[ts])) awaited--
      latenciesMs[ts] = nowMs - (sentMs[ts] as number)
    }
    begun.resolve()
    if (awaited === 0) complete.resolve()
  }
})
await joined
// The clock starts when the system runs: its first output is here.
await producer.send({ topic: setting('INPUT'), messages: [message(0)] })
const never = setTimeout(() => begun.reject(new Error('Nothing came of the first record.')), START_TIMEOUT_MS)
await begun.promise
clearTimeout(never)

const failed: Error[] = []
const pending = new Set<Promise<unknown>>()
const startedMs = performance.now()
for (let next = 1; next < count; ) {
  const due = Math.min(count, Math.floor(((performance.now() - startedMs) * rate) / 1000))
  if (due > next) {
    const messages = []
    for (; next < due; next++) messages.push(message(next))
    const sent = producer.send({ topic: setting('INPUT'), messages }).catch((error: Error) => failed.push(error))
    pending.add(sent)
    void sent.then(() => pending.delete(sent))
  }
  await new Promise(resolve => setTimeout(resolve, TICK_MS))
}
await Promise.all(pending)
const late = setTimeout(() => complete.resolve(), REST_TIMEOUT_MS)
await complete.promise
clearTimeout(late)

const measured = latenciesMs
  .subarray(warmCount)
  .filter(each => !Number.isNaN(each))
  .sort()
const percentile = (share: number): number => measured[Math.ceil(share * measured.length) - 1] ?? Number.NaN
process.stdout.write(
  `${JSON.stringify({
    ...{ missing: awaited, failed: failed[0]?.message, outputs: measured.length },
    ...{ p50Ms: percentile(0.5), p99Ms: percentile(0.99), maxMs: percentile(1) }
  })}\n`
)
await Promise.all([consumer.disconnect(), producer.disconnect()])

function message(i: number) {
  const user = `u${(i * 7919) % USERS}`
  const value = `{"user":"${user}","page":"/p/${i % PAGES}","ms":${msOf(i)},"ts":${i},"ref":"/start/landing/1c5f00a"}`
  sentMs[i] = performance.now()
  return { key: user, value, partition: partitionOf(user), timestamp: String(Date.now()) }
}

function msOf(i: number): number {
  return (i * 37) % 1000
}
