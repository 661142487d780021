import { json, Millrace, StreamsBuilder, string, tumbling } from 'millrace'
import { describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }
const oneToTen = Array.from({ length: 10 }, (_, i) => ({ key: 'k', value: String(i + 1), partition: 0 }))

describe('an error in the middle of a transaction', () => {
  test.each(['exactly_once'] as const)('leaves no trace, and the next run is right (%s)', async processingGuarantee => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', oneToTen)
    const sums = (failAt: number) => {
      const builder = new StreamsBuilder()
      builder
        .stream(cluster.name('in'), numbers)
        .groupByKey()
        .aggregate(
          () => 0,
          (_key, value, sum) => sum + value,
          { store: 'sums', value: json<number>() }
        )
        .toStream()
        .peek((_key, sum) => {
          if (sum === failAt) throw new Error(`the sum is ${sum}`)
        })
        .to(cluster.name('out'), numbers)
      return new Millrace(builder.build(), {
        ...cluster.options,
        processingGuarantee,
        cacheBytes: 0,
        commitIntervalMs: 5_000
      })
    }

    const failing = sums(28)
    await expect(failing.run({ until: 'end' })).rejects.toMatchObject({
      code: 'RECORD_PROCESS_FAILED',
      cause: { message: 'the sum is 28' }
    })
    expect(failing.state).toBe('ERROR')
    expect(await cluster.read('out')).toEqual([])

    await sums(-1).run({ until: 'end' })
    expect((await cluster.read('out')).map(({ value }) => Number(value))).toEqual([1, 3, 6, 10, 15, 21, 28, 36, 45, 55])
  })
})

test('two instances that regroup to one key end at 100 for 100 records', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'in', 'out')
  const topology = () => {
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .groupBy(() => 'all', numbers)
      .count({ store: 'total' })
      .toStream()
      .to(cluster.name('out'), numbers)
    return builder.build()
  }
  const options = { ...cluster.options, processingGuarantee: 'exactly_once' as const, cacheBytes: 0 }
  const apps = [new Millrace(topology(), options), new Millrace(topology(), options)]
  await Promise.all(apps.map(app => app.start()))
  await cluster.produce(
    'in',
    Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: '1', partition: i % 2 }))
  )
  await expect.poll(async () => (await cluster.read('out')).length, { timeout: 30_000 }).toBe(100)
  const processed = await Promise.all(apps.map(async app => (await app.metrics()).nodes))
  await Promise.all(apps.map(app => app.close()))

  const counts = (await cluster.read('out')).map(({ value }) => Number(value))
  expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  // Both took part, or the test shows nothing.
  for (const nodes of processed) expect(nodes['KSTREAM-SOURCE-0000000000']?.processed).toBe(50)
})

test('stream time survives a restart on another machine', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  const app = (stateDir: string) => {
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .groupByKey()
      .windowedBy(tumbling(1_000, { grace: 0 }))
      .count({ store: 'windows' })
      .toStream()
      .map((window, count) => [`${window.key}@${window.startMs}`, count])
      .to(cluster.name('out'), numbers)
    return new Millrace(builder.build(), { ...cluster.options, stateDir, processingGuarantee: 'exactly_once' })
  }
  await cluster.produce('in', [{ key: 'a', value: '1', timestamp: '100000' }])
  await app(cluster.stateDir).run({ until: 'end' })

  await cluster.produce('in', [
    { key: 'a', value: '1', timestamp: '98500' },
    { key: 'a', value: '1', timestamp: '100001' }
  ])
  await app(await cluster.newStateDir()).run({ until: 'end' })
  expect((await cluster.read('out')).map(({ key, value }) => [key, value])).toEqual([
    ['a@100000', '1'],
    ['a@100000', '2']
  ])
})

test('processes to the end through two repartition topics', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'in', 'out')
  await cluster.produce(
    'in',
    Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, value: String(i) }))
  )
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupBy((_key, value) => String(value % 10), numbers)
    .count({ store: 'by-digit' })
    .toStream()
    .filter((_digit, count) => count === 30)
    .groupBy(() => 'all', numbers)
    .count({ store: 'full' })
    .toStream()
    .to(cluster.name('out'), numbers)
  await new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once', cacheBytes: 0 }).run({
    until: 'end'
  })
  expect((await cluster.read('out')).map(({ value }) => Number(value))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})
