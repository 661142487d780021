// `optimization: 'all'` on a real broker: fewer internal topics, the same results, and a table restored from its own topic.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }

function application(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  const rows = builder.table(cluster.name('rows'), { ...numbers, store: 'rows' })
  const keyed = builder.stream(cluster.name('in'), numbers).selectKey((_key, value) => `k${value % 2}`)
  keyed.groupByKey(numbers).count({ store: 'counts' })
  keyed.join(rows, (value, row) => value + row, numbers).to(cluster.name('out'), numbers)
  return new Millrace(builder.build({ optimization: 'all' }), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
}

test('shares a repartition topic, and restores a table from what it was read from', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'rows', 'in', 'out')
  await cluster.produce('rows', [
    { key: 'k0', value: '100' },
    { key: 'k1', value: '200' }
  ])
  await application(cluster).run({ until: 'end' })
  await cluster.produce(
    'in',
    [1, 2, 3].map(value => ({ key: 'x', value: String(value) }))
  )
  const restored: string[] = []
  await application(cluster, {
    stateDir: await cluster.newStateDir(),
    restoreListener: { onRestoreEnd: ({ store, topic }) => void restored.push(`${store} from ${topic}`) }
  }).run({ until: 'end' })
  expect(new Set(restored)).toEqual(new Set([`rows from ${cluster.name('rows')}`]))
  expect((await cluster.read('out')).map(({ value }) => Number(value)).sort()).toEqual([102, 201, 203])

  const topics = [...(await cluster.client.admin.describeTopics()).keys()].filter(topic =>
    topic.startsWith(cluster.applicationId)
  )
  expect(topics.sort()).toEqual(
    ['counts-changelog', 'counts-repartition', 'in', 'millrace-topology-changelog', 'out', 'rows'].map(topic =>
      cluster.name(topic)
    )
  )
})
