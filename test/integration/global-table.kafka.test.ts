// Global tables: whole in every instance, restored before anything is processed, kept up to date, and read from disk after a restart.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

/** A loaded broker and a rebalance take their time. */
const expectSoon = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 })

const numbers = { key: string(), value: json<number>() }
const texts = { key: string(), value: string() }

function application(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  const rows = builder.globalTable(cluster.name('rows'), { ...numbers, store: 'rows' })
  builder
    .stream(cluster.name('in'), texts)
    .leftJoin(
      rows,
      (_key, name) => name,
      (name, row) => `${name}=${row}`
    )
    .to(cluster.name('out'), texts)
  const app = new Millrace(builder.build(), { ...cluster.options, commitIntervalMs: 100, ...options })
  return { app, rows: app.store(rows.queryableStore) }
}

const row = (index: number, value: number) => ({ key: `k${index}`, value: String(value), partition: index % 3 })
const outputs = async (cluster: TestCluster) => (await cluster.read('out')).map(({ value }) => value).sort()

test('every instance holds all partitions, answers for all keys and hears of updates', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'rows')
  await cluster.createTopics(2, 'in', 'out')
  await cluster.produce(
    'rows',
    Array.from({ length: 30 }, (_, index) => row(index, index))
  )
  const first = application(cluster)
  const second = application(cluster)
  await Promise.all([first.app.start(), second.app.start()])
  for (const { rows } of [first, second]) {
    for (let index = 0; index < 30; index++) expect(rows.get(`k${index}`)?.value).toBe(index)
  }

  await cluster.produce('rows', [row(0, 100), { key: 'k1', value: null, partition: 1 }])
  for (const { rows } of [first, second]) {
    await expectSoon(() => [rows.get('k0')?.value, rows.get('k1')?.value]).toEqual([100, undefined])
  }
  // Each instance has one of the two partitions, and joins with rows of all three of the table's. The second one gets its
  // partition only when the first has given it up.
  const taskCounts = () =>
    Promise.all([first, second].map(async ({ app }) => Object.keys((await app.metrics()).tasks).length))
  await expectSoon(taskCounts).toEqual([1, 1])
  const records = [0, 1].flatMap(partition => [0, 1, 2, 5].map(index => ({ key: 'x', value: `k${index}`, partition })))
  await cluster.produce('in', records)
  await expectSoon(() => outputs(cluster)).toHaveLength(8)
  expect(await outputs(cluster)).toEqual(['k0=100', 'k0=100', 'k1=null', 'k1=null', 'k2=2', 'k2=2', 'k5=5', 'k5=5'])
  await Promise.all([first.app.close(), second.app.close()])
})

test('a restart goes on from the disk; what was missed is there before the first record is processed', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'rows')
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce(
    'rows',
    Array.from({ length: 30 }, (_, index) => row(index, index))
  )
  const first = application(cluster)
  await first.app.run({ until: 'end' })
  expect((await first.app.metrics()).restore.restoredRecords).toBe(30)

  await cluster.produce('rows', [row(4, 400), row(5, 500)])
  await cluster.produce(
    'in',
    [4, 5, 6].map(index => ({ key: 'x', value: `k${index}` }))
  )
  const second = application(cluster)
  await second.app.run({ until: 'end' })
  expect((await second.app.metrics()).restore.restoredRecords).toBe(2)
  expect(await outputs(cluster)).toEqual(['k4=400', 'k5=500', 'k6=6'])
})

test('a topic that was made anew is read from its beginning, and no old row stays', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'rows', 'in', 'out')
  await cluster.produce(
    'rows',
    [0, 1, 2].map(index => ({ ...row(index, index), partition: 0 }))
  )
  await application(cluster).app.run({ until: 'end' })
  await cluster.deleteTopics('rows')
  await cluster.createTopics(1, 'rows')
  await cluster.produce('rows', [{ key: 'k0', value: '7' }])
  await cluster.produce(
    'in',
    [0, 1].map(index => ({ key: 'x', value: `k${index}` }))
  )
  const second = application(cluster)
  await second.app.run({ until: 'end' })
  expect((await second.app.metrics()).restore.restoredRecords).toBe(1)
  expect(await outputs(cluster)).toEqual(['k0=7', 'k1=null'])
})

test('a topic that was made anew is told from the old one although it has as many records', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'rows', 'in', 'out')
  const rowsFrom = (index: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...row(index + i, index + i), partition: 0 }))
  await cluster.produce('rows', rowsFrom(0, 3))
  await application(cluster).app.run({ until: 'end' })
  await cluster.deleteTopics('rows')
  await cluster.createTopics(1, 'rows')
  await cluster.produce('rows', rowsFrom(2, 5))
  const second = application(cluster)
  await second.app.start()
  expect([0, 1, 2, 6].map(index => second.rows.get(`k${index}`)?.value)).toEqual([undefined, undefined, 2, 6])
  await second.app.close()
})

test('partitions that are added while it runs are read, and so is a topic that is made anew', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'rows')
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce('rows', [
    { key: 'k0', value: '0', partition: 0 },
    { key: 'k1', value: '1', partition: 1 }
  ])
  const { app, rows } = application(cluster, { metadataMaxAgeMs: 100 })
  await app.start()
  const admin = cluster.kafkajs.admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic: cluster.name('rows'), count: 3 }] })
  await admin.disconnect()
  await cluster.produce('rows', [{ key: 'k2', value: '2', partition: 2 }])
  const values = () => [0, 1, 2, 3].map(index => rows.get(`k${index}`)?.value)
  await expectSoon(values).toEqual([0, 1, 2, undefined])

  await cluster.deleteTopics('rows')
  await cluster.createTopics(1, 'rows')
  await cluster.produce('rows', [
    { key: 'k1', value: '10' },
    { key: 'k3', value: '30' }
  ])
  await expectSoon(values).toEqual([undefined, 10, undefined, 30])
  await cluster.produce('rows', [{ key: 'k0', value: '100' }])
  await expectSoon(values).toEqual([100, 10, undefined, 30])
  await app.close()
  const again = application(cluster)
  await again.app.start()
  expect([0, 1, 2, 3].map(index => again.rows.get(`k${index}`)?.value)).toEqual([100, 10, undefined, 30])
  await again.app.close()
})

test('a missing topic is named', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  await expect(application(cluster).app.start()).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    message: expect.stringContaining(`'${cluster.name('rows')}'`)
  })
})

test('a record that cannot be read stops the instance, or is left out', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'rows', 'in', 'out')
  await cluster.produce('rows', [
    { key: 'k0', value: '{' },
    { key: 'k1', value: '1' }
  ])
  await expect(application(cluster).app.start()).rejects.toMatchObject({ code: 'RECORD_DESERIALIZE_FAILED' })
  const { app, rows } = application(cluster, { onDeserializationError: 'continue' })
  await app.start()
  expect([rows.get('k0'), rows.get('k1')?.value]).toEqual([undefined, 1])
  // Later ones are met by the loop in the background.
  await app.close()
  const strict = application(cluster)
  await strict.app.start()
  await cluster.produce('rows', [{ key: 'k2', value: '{' }])
  await expectSoon(() => strict.app.state).toBe('ERROR')
  expect(strict.app.error).toMatchObject({
    code: 'GLOBAL_TABLE_FAILED',
    cause: { code: 'RECORD_DESERIALIZE_FAILED' }
  })
})
