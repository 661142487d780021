// Lets app.ts count the words of sample.txt: makes topics for it, fills the one, runs it, prints what is in the other.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EmbeddedBroker } from '@millrace/broker'
import { type Admin, type EachMessagePayload, Kafka, logLevel } from 'kafkajs'

const READ_TIMEOUT_MS = 30_000
/** Kafka's error code. */
const GROUP_ID_NOT_FOUND = 69
const APP = fileURLToPath(new URL('app.ts', import.meta.url))
const SAMPLE = new URL('sample.txt', import.meta.url)

// A name of its own, so that runs can share a Kafka.
const name = process.env.APPLICATION_ID ?? `word-count-${randomBytes(4).toString('hex')}`
const input = `${name}-lines`
const output = `${name}-words`
// Without a Kafka, an embedded broker in this process: it is for development and tests, and forgets all at the end.
const embedded = process.env.KAFKA_BROKERS ? undefined : await EmbeddedBroker.start({ port: 0 })
const brokers = embedded?.bootstrap ?? (process.env.KAFKA_BROKERS as string)
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`Stopped by ${signal}.`)))
}
try {
  await main()
} catch (error) {
  process.stderr.write(`${stop.signal.aborted ? stop.signal.reason : error}\n`)
  process.exitCode = 1
} finally {
  await embedded?.close()
}

async function main(): Promise<void> {
  const cleanup = new AsyncDisposableStack() // runs in reverse, also when something fails
  try {
    await countWords(cleanup)
  } finally {
    await cleanup.disposeAsync()
  }
}

async function countWords(cleanup: AsyncDisposableStack): Promise<void> {
  const admin = kafka.admin()
  cleanup.defer(() => admin.disconnect())
  await admin.connect()
  cleanup.defer(() => removeTopics(admin))
  await admin.createTopics({
    waitForLeaders: false, // sends and fetches below try again until there are leaders
    topics: [input, output].map(topic => ({ topic, numPartitions: 2 }))
  })
  const stateDir = await mkdtemp(join(tmpdir(), `${name}-`))
  cleanup.defer(() => rm(stateDir, { recursive: true, force: true }))

  const text = await readFile(SAMPLE, 'utf8')
  await produce(text.trim().split('\n'))
  await runApp(stateDir)
  const counts = await readCounts(text.match(/[\w']+/g)?.length ?? 0)
  for (const [word, count] of [...counts].sort(([a, many], [b, more]) => Number(more - many) || (a < b ? -1 : 1))) {
    process.stdout.write(`${word.padEnd(10)} ${count}\n`)
  }
}

async function produce(values: readonly string[]): Promise<void> {
  // Idempotent: a request that is sent again, as happens on a new topic, must not count twice.
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({ topic: input, messages: values.map((value, index) => ({ key: String(index), value })) })
  await producer.disconnect()
}

async function runApp(stateDir: string): Promise<void> {
  const env = {
    KAFKA_BROKERS: brokers,
    INPUT_TOPIC: input,
    OUTPUT_TOPIC: output,
    APPLICATION_ID: name,
    STATE_DIR: stateDir
  }
  const app = spawn(process.execPath, [...process.execArgv, APP], { stdio: 'inherit', env: { ...process.env, ...env } })
  stop.signal.addEventListener('abort', () => app.kill())
  const code = await new Promise<number | null>((resolve, reject) => app.once('error', reject).once('exit', resolve))
  stop.signal.throwIfAborted()
  if (code !== 0) throw new Error(`app.ts ended with exit code ${code}.`)
}

/** The last count of each word, as soon as the counts add up: a count is written again whenever it grows. */
async function readCounts(wordCount: number): Promise<Map<string, bigint>> {
  const counts = new Map<string, bigint>()
  const consumer = kafka.consumer({ groupId: `${name}-reader`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: output, fromBeginning: true })
  try {
    await new Promise<void>((resolve, reject) => {
      const seconds = READ_TIMEOUT_MS / 1000
      const counted = () => [...counts.values()].reduce((sum, count) => sum + Number(count), 0)
      const message = () => `After ${seconds} s the counts add up to ${counted()}, not to ${wordCount}.`
      setTimeout(() => reject(new Error(message())), READ_TIMEOUT_MS).unref()
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error))
      const eachMessage = async ({ message: { key, value } }: EachMessagePayload): Promise<void> => {
        counts.set(String(key), (value as Buffer).readBigInt64BE())
        if (counted() >= wordCount) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return counts
}

async function removeTopics(topicsOf: Admin): Promise<void> {
  const topics = (await topicsOf.listTopics()).filter(topic => topic.startsWith(`${name}-`))
  await topicsOf.deleteTopics({ topics })
  const groups = (await topicsOf.listGroups()).groups.map(({ groupId }) => groupId)
  await topicsOf
    .deleteGroups(groups.filter(group => group === name || group.startsWith(`${name}-`)))
    .catch((error: Error & { readonly groups?: readonly { readonly errorCode: number }[] }) => {
      // Older brokers forget a group by themselves when the topics are gone that it has read.
      if (error.groups?.every(({ errorCode }) => errorCode === GROUP_ID_NOT_FOUND) !== true) throw error
    })
}
