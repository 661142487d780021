// Lets app.ts count the words of sample.txt: makes topics for it, fills the one, runs it, prints what is in the other.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Admin, Kafka, logLevel } from 'kafkajs'

const brokers = process.env.KAFKA_BROKERS
if (!brokers) throw new Error('KAFKA_BROKERS is not set. `npm start` sets it, or starts a broker.')

const APP = fileURLToPath(new URL('app.ts', import.meta.url))
const SAMPLE = new URL('sample.txt', import.meta.url)

// A name of its own, so that runs can share a Kafka.
const name = process.env.APPLICATION_ID ?? `word-count-${randomBytes(4).toString('hex')}`
const input = `${name}-lines`
const output = `${name}-words`
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
    waitForLeaders: true,
    topics: [input, output].map(topic => ({ topic, numPartitions: 2 }))
  })
  const stateDir = await mkdtemp(join(tmpdir(), `${name}-`))
  cleanup.defer(() => rm(stateDir, { recursive: true, force: true }))

  await produce((await readFile(SAMPLE, 'utf8')).trim().split('\n'))
  await runApp(stateDir)
  const counts = await readCounts(admin)
  for (const [word, count] of [...counts].sort(([a, many], [b, more]) => Number(more - many) || (a < b ? -1 : 1))) {
    process.stdout.write(`${word.padEnd(10)} ${count}\n`)
  }
}

async function produce(values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic: input, messages: values.map((value, index) => ({ key: String(index), value })) })
  await producer.disconnect()
}

async function runApp(stateDir: string): Promise<void> {
  const env = { INPUT_TOPIC: input, OUTPUT_TOPIC: output, APPLICATION_ID: name, STATE_DIR: stateDir }
  const app = spawn(process.execPath, [...process.execArgv, APP], { stdio: 'inherit', env: { ...process.env, ...env } })
  stop.signal.addEventListener('abort', () => app.kill())
  const code = await new Promise<number | null>((resolve, reject) => app.once('error', reject).once('exit', resolve))
  stop.signal.throwIfAborted()
  if (code !== 0) throw new Error(`app.ts ended with exit code ${code}.`)
}

/** The last count of each word: a count is written again whenever it grows. */
async function readCounts(offsets: Admin): Promise<Map<string, bigint>> {
  const partitions = await offsets.fetchTopicOffsets(output)
  const unread = new Map(partitions.map(({ partition, high }) => [partition, Number(high)]))
  const words = new Map<string, bigint>()
  const consumer = kafka.consumer({ groupId: `${name}-reader`, maxWaitTimeInMs: 100 })
  const allRead = new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
    consumer.on('consumer.end_batch_process', ({ payload: { partition, lastOffset } }) => {
      if (Number(lastOffset) + 1 >= (unread.get(partition) ?? 0)) unread.delete(partition)
      if (unread.size === 0) resolve()
    })
  })
  for (const [partition, end] of unread) if (end === 0) unread.delete(partition)
  await consumer.connect()
  await consumer.subscribe({ topic: output, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, value } }) => {
      words.set(String(key), (value as Buffer).readBigInt64BE())
    }
  })
  if (unread.size > 0) await allRead
  await consumer.disconnect()
  return words
}

async function removeTopics(topicsOf: Admin): Promise<void> {
  const topics = (await topicsOf.listTopics()).filter(topic => topic.startsWith(`${name}-`))
  await topicsOf.deleteTopics({ topics })
  const groups = (await topicsOf.listGroups()).groups.map(({ groupId }) => groupId)
  await topicsOf.deleteGroups(groups.filter(group => group === name || group.startsWith(`${name}-`)))
}
