// run({ until: 'end' }): done when, and only when, all that was there at the start is.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'
import type { WorkerOutput } from './worker-options.ts'
import { WorkerProcess } from './worker-process.ts'

const numbers = { key: string(), value: json<number>() }

function app(cluster: TestCluster, builder: StreamsBuilder, options: Partial<MillraceOptions> = {}) {
  return new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
}

/** Counts digits through a repartition topic, then all digits through another one. */
function counting(cluster: TestCluster): StreamsBuilder {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupBy((_key, value) => String(value % 10), numbers)
    .count({ store: 'by-digit' })
    .toStream()
    .groupBy(() => 'all', numbers)
    .count({ store: 'all' })
    .toStream()
    .to(cluster.name('out'), numbers)
  return builder
}

const records = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: String(i) }))

async function highest(cluster: TestCluster): Promise<number> {
  return Math.max(0, ...(await cluster.read('out')).map(({ value }) => Number(value)))
}

test('is done at once where topics are empty', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'in', 'out')
  await app(cluster, counting(cluster)).run({ until: 'end' })
  await app(cluster, counting(cluster)).run({ until: 'end' })
  expect(await cluster.read('out')).toEqual([])
})

test('is done where some partitions are empty, and where all records were deleted', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'in', 'out')
  await cluster.produce(
    'in',
    records(10).map(record => ({ ...record, partition: 1 }))
  )
  await app(cluster, counting(cluster)).run({ until: 'end' })
  expect(await highest(cluster)).toBe(10)
  await cluster.produce(
    'in',
    records(10).map(record => ({ ...record, partition: 2 }))
  )
  await cluster.client.admin.deleteRecords([{ topic: cluster.name('in'), partition: 2, offset: 10 }])
  await app(cluster, counting(cluster)).run({ until: 'end' })
  expect(await highest(cluster)).toBe(10)
})

test('is done where one side of a join is empty', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'in', 'table', 'out')
  await cluster.produce('in', records(20))
  const builder = new StreamsBuilder()
  const table = builder.table(cluster.name('table'), numbers)
  builder
    .stream(cluster.name('in'), numbers)
    .leftJoin(table, (value, row) => value + (row ?? 0))
    .to(cluster.name('out'), numbers)
  await app(cluster, builder).run({ until: 'end' })
  expect(await cluster.read('out')).toHaveLength(20)
})

test.each(['exactly_once', 'at_least_once'] as const)(
  'is done by several instances together, idle ones too (%s)',
  async processingGuarantee => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(2, 'in', 'out')
    await cluster.produce('in', records(500))
    const options = {
      processingGuarantee,
      heartbeatIntervalMs: 200,
      ...(processingGuarantee === 'at_least_once' ? { commitIntervalMs: 200 } : {})
    }
    await Promise.all(Array.from({ length: 5 }, () => app(cluster, counting(cluster), options).run({ until: 'end' })))
    if (processingGuarantee === 'exactly_once') expect(await highest(cluster)).toBe(500)
    else expect(await highest(cluster)).toBeGreaterThanOrEqual(500)
  }
)

test('is done with what was there at the start while input keeps flowing', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'in', 'out')
  await cluster.produce('in', records(300))
  let stopped = false
  let sent = 300
  const producing = (async () => {
    while (!stopped) {
      await cluster.produce('in', records(50))
      sent += 50
    }
  })()
  await app(cluster, counting(cluster)).run({ until: 'end' })
  stopped = true
  await producing
  expect(await highest(cluster)).toBeGreaterThanOrEqual(300)
  // The rest is not lost either.
  await app(cluster, counting(cluster)).run({ until: 'end' })
  expect(await highest(cluster)).toBe(sent)
})

test('is done by worker processes through a repartition topic, of which one is killed', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(4, 'in', 'out')
  await cluster.produce(
    'in',
    Array.from({ length: 2_000 }, (_, i) => ({ key: `k${i}`, value: 'x' }))
  )
  const { logger: _, handleSignals: __, ...options } = cluster.options
  const workers = Array.from(
    { length: 3 },
    () =>
      new WorkerProcess({
        input: cluster.name('in'),
        output: cluster.name('out'),
        busyMs: 2,
        regroupTo: 7,
        untilEnd: true,
        app: { ...options, heartbeatIntervalMs: 500, processingGuarantee: 'exactly_once', cacheBytes: 0 }
      })
  )
  await using _first = workers[0] as WorkerProcess
  await using _second = workers[1] as WorkerProcess
  const victim = workers[2] as WorkerProcess
  await victim.until(({ state }) => state === 'RUNNING')
  await expect.poll(async () => (await victim.metrics()).processedRecords, { timeout: 20_000 }).toBeGreaterThan(0)
  await victim.kill()
  expect(await Promise.all([workers[0]?.exited, workers[1]?.exited])).toEqual([0, 0])
  const counts = new Map<string, number[]>()
  for (const { key, value } of await cluster.read('out')) {
    const { count } = JSON.parse(value) as WorkerOutput
    counts.set(key, [...(counts.get(key) ?? []), count])
  }
  // Every count of every group appears once, in order; together they are as many as the records.
  for (const each of counts.values()) expect(each).toEqual(each.map((_, i) => i + 1))
  expect([...counts.values()].flat()).toHaveLength(2_000)
})
