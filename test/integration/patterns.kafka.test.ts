import { json, Millrace, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }

test('a source that is a pattern picks up topics that come later, in every instance, and keeps its counts', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'orders-a', 'out')
  const app = () => {
    const builder = new StreamsBuilder()
    builder
      .stream(new RegExp(`${cluster.applicationId}-orders-.*`), numbers)
      .groupByKey()
      .count({ store: 'orders' })
      .toStream()
      .to(cluster.name('out'), { key: string(), value: json<number>() })
    return new Millrace(builder.build(), {
      ...cluster.options,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0,
      metadataMaxAgeMs: 200
    })
  }
  const apps = [app(), app()]
  await Promise.all(apps.map(each => each.start()))
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  const orders = keys.map((key, i) => ({ key, value: '1', partition: i % 2 }))
  await cluster.produce('orders-a', orders)
  await expect.poll(async () => (await cluster.read('out')).length, { timeout: 20_000 }).toBe(20)

  await cluster.createTopics(2, 'orders-b')
  await cluster.produce('orders-b', orders)
  await expect.poll(async () => (await cluster.read('out')).length, { timeout: 30_000 }).toBe(40)
  await Promise.all(apps.map(each => each.close()))

  const counts = new Map<string, string[]>()
  for (const { key, value } of await cluster.read('out')) counts.set(key, [...(counts.get(key) ?? []), value])
  expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(keys.map(key => [key, ['1', '2']])))
})
