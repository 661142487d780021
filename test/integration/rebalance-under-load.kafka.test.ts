// Tasks change hands while their process is in the middle of a long backlog: each count appears once.
import { json, Millrace, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const PARTITIONS = 4
const RECORDS_PER_PARTITION = 40_000
const KEYS_PER_PARTITION = 40
const numbers = { key: string(), value: json<number>() }

function counting(cluster: TestCluster, stateDir: string, workMs: number): Millrace {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .mapValues(value => {
      for (const beganMs = performance.now(); performance.now() - beganMs < workMs; );
      return value
    })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), { ...numbers, partitioner: (_topic, key) => Number(key?.[1]) })
  return new Millrace(builder.build(), {
    ...cluster.options,
    stateDir,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0
  })
}

async function produceBacklog(cluster: TestCluster): Promise<void> {
  const runLength = 5_000
  for (let from = 0; from < RECORDS_PER_PARTITION; from += runLength) {
    const messages = Array.from({ length: runLength * PARTITIONS }, (_, i) => {
      const partition = i % PARTITIONS
      return { partition, key: `p${partition}k${Math.floor(i / PARTITIONS) % KEYS_PER_PARTITION}`, value: '1' }
    })
    await cluster.produce('in', messages)
  }
}

test('two instances that hand tasks over under load write every count exactly once', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(PARTITIONS, 'in', 'out')
  await produceBacklog(cluster)

  const first = counting(cluster, cluster.stateDir, 0.06)
  const second = counting(cluster, await cluster.newStateDir(), 0.06)
  const processed = async (app: Millrace) => (await app.metrics()).processedRecords
  await first.start()
  await expect.poll(() => processed(first), { timeout: 20_000 }).toBeGreaterThan(5_000)
  await second.start()
  await expect.poll(() => processed(second), { timeout: 20_000 }).toBeGreaterThan(5_000)
  await second.close()
  await first.close()
  // There was still something to do all the while, or the test would show nothing.
  const before = (await cluster.read('out')).length
  expect(before).toBeLessThan(RECORDS_PER_PARTITION * PARTITIONS)
  await counting(cluster, cluster.stateDir, 0).run({ until: 'end' })

  const wanted = Array.from({ length: RECORDS_PER_PARTITION / KEYS_PER_PARTITION }, (_, i) => i + 1)
  const counts = Map.groupBy(await cluster.read('out'), ({ key }) => key)
  expect(counts.size).toBe(PARTITIONS * KEYS_PER_PARTITION)
  for (const [key, records] of counts)
    expect(
      records.map(({ value }) => Number(value)),
      key
    ).toEqual(wanted)
})
