/**
 * `@kafkats/flow` on the benchmark's workloads, under the worker contract of ../README.md: its persistent stores, and defaults but
 * for what W4 and W5 ask for.
 */
import { KafkaClient, strict } from '@kafkats/client'
import { codec, flow, TimeWindows } from '@kafkats/flow'
import { lmdb } from '@kafkats/flow-state-lmdb'

const UNSUPPORTED = 3
const { WORKLOAD, APP_ID, INPUT, OUTPUT, TABLE, STATE_DIR } = process.env
const expected = Number(process.env.EXPECTED_RECORDS)

let records = 0
const say = mark => console.log(`${mark} ${Date.now()}`)
const onRecord = () => {
  records++
  if (records === 1) say('FIRST_RECORD')
  if (records === expected) say('LAST_RECORD')
}

const text = { key: codec.string(), value: codec.json() }
const client = { clientId: APP_ID, brokers: process.env.BROKERS.split(','), logLevel: 'error' }
const app = flow({
  applicationId: APP_ID,
  client,
  consumer: { autoOffsetReset: 'earliest' },
  stateStoreProvider: lmdb({ stateDir: STATE_DIR }),
  // It does not order tables and streams by time. To prefer the table's topic is the nearest.
  ...(WORKLOAD === 'W4' ? { runEach: { priority: strict({ order: [TABLE, INPUT] }) } } : {}),
  ...(WORKLOAD === 'W5' ? { processingGuarantee: 'exactly_once', commitIntervalMs: 100 } : {})
})

const workloads = {
  W1: () =>
    app
      .stream(INPUT, text)
      .peek(onRecord)
      .filter((_user, click) => click.ms % 2 === 0)
      .mapValues(({ user, page, ms, ts }) => ({ user, page, ms, ts, bucket: Math.floor(ms / 10) }))
      .to(OUTPUT, text),
  W2: count,
  async W3() {
    const topic = `${APP_ID}-by-page`
    const kafka = new KafkaClient(client)
    await kafka.connect()
    await kafka.createTopics([{ name: topic, numPartitions: 4, replicationFactor: 1 }])
    await kafka.disconnect()
    // What goes through the topic is written to it, and goes on without being read from it.
    app
      .stream(INPUT, text)
      .selectKey(click => click.page)
      .through(topic, text)
      .groupByKey(text)
      .windowedBy(TimeWindows.of('5m'))
      .aggregate(
        () => ({ sum: 0, count: 0 }),
        (_page, click, load) => ({ sum: load.sum + click.ms, count: load.count + 1 }),
        { storeName: 'page-load', value: codec.json() }
      )
      .toStream()
      .map((window, load) => [
        `${window.key}@${window.window.start}`,
        { avg: load.sum / load.count, count: load.count }
      ])
      .peek(onRecord)
      .to(OUTPUT, text)
  },
  W4() {
    const users = app.table(TABLE, { ...text, materialized: { storeName: 'users' } })
    app
      .stream(INPUT, text)
      .peek(onRecord)
      .join(users, ({ user, page, ms, ts }, { country, tier }) => ({ user, page, ms, ts, country, tier }))
      .to(OUTPUT, text)
  },
  W5: count,
  W6: () =>
    app
      .stream(INPUT, text)
      .peek(onRecord)
      .groupByKey()
      .aggregate(
        () => null,
        (_user, { user, page }, last) => ({ user, page, n: last === null ? 1 : last.n + 1 }),
        { storeName: 'latest', value: codec.json() }
      )
      .toStream()
      .to(OUTPUT, text)
}

function count() {
  app
    .stream(INPUT, text)
    .peek(onRecord)
    .groupByKey()
    .count({ storeName: 'clicks-by-user', value: codec.json() })
    .toStream()
    .to(OUTPUT, text)
}

const build = workloads[WORKLOAD]
if (build === undefined) process.exit(UNSUPPORTED)
await build()

let stopping = false
process.on('SIGTERM', () => {
  if (stopping) return
  stopping = true
  app.close().then(
    () => process.exit(0),
    error => {
      console.error(error)
      process.exit(1)
    }
  )
})
say('RESTORE_START')
await app.start()
say('RESTORE_END')
setInterval(() => {
  if (stopping || app.state() !== 'ERROR') return
  console.error(app.getError())
  process.exit(1)
}, 500)
