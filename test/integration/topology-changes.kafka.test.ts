// A new version of an application on what the old one left in Kafka: what would be mixed up is refused, and everything else is not.
import { Millrace, type MillraceOptions, StreamsBuilder, int64, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const TEXT = { key: string(), value: string() }
const COUNT = { key: string(), value: string() }

interface Version {
  /** The topics that are counted, one store for each, in this order. */
  readonly counts: readonly string[]
  /** Whether the stores have names. */
  readonly isNamed?: boolean
  readonly isFiltered?: boolean
}

function app(
  cluster: TestCluster,
  { counts, isNamed = false, isFiltered = false }: Version,
  options: Partial<MillraceOptions> = {}
): Millrace {
  const builder = new StreamsBuilder()
  for (const topic of counts) {
    const input = builder.stream(cluster.name(topic), TEXT)
    const stream = isFiltered ? input.filter(() => true) : input
    stream
      .groupByKey()
      .count(isNamed ? { store: `${topic}-counts` } : {})
      .toStream()
      .mapValues(count => `${topic}${count}`)
      .to(cluster.name('out'), COUNT)
  }
  return new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
}

async function opened(): Promise<TestCluster> {
  const cluster = await TestCluster.open()
  await cluster.createTopics(1, 'a', 'b', 'c', 'out')
  return cluster
}

/** Sends a record to each of the topics, runs to the end and gives what came out meanwhile. */
async function outputs(cluster: TestCluster, application: Millrace, ...topics: string[]): Promise<string[]> {
  const before = (await cluster.read('out')).length
  for (const topic of topics) await cluster.produce(topic, [{ key: 'k', value: 'v' }])
  await application.run({ until: 'end' })
  return (await cluster.read('out', 'last-stable')).slice(before).map(({ value }) => value)
}

const CHANGED = { code: 'TOPOLOGY_CHANGED' }
const STORE = 'KSTREAM-AGGREGATE-STATE-STORE-000000000'

test.concurrent('a name that now stands for another store is refused on every machine, until it is accepted', async () => {
  await using cluster = await opened()
  expect(await outputs(cluster, app(cluster, { counts: ['a', 'b'] }), 'a', 'b')).toEqual(['a1', 'b1'])

  const renumbered = { counts: ['b'] }
  const elsewhere = { stateDir: await cluster.newStateDir() }
  await cluster.produce('b', [{ key: 'k', value: 'v' }])
  const refused = app(cluster, renumbered, elsewhere)
  await expect(refused.start()).rejects.toMatchObject({
    ...CHANGED,
    message: expect.stringMatching(
      new RegExp(
        `store '${STORE}1' would be taken for something else:\\n` +
          `    was timestamped-key-value <string, int64>, from ${cluster.name('a')}: .*\\n` +
          `    is  timestamped-key-value <string, int64>, from ${cluster.name('b')}: .*\\n` +
          `.*\\{ store: '${STORE}1' \\}.*onTopologyChange: 'accept'`
      )
    )
  })
  expect(refused.state).toBe('ERROR')
  expect(await cluster.read('out')).toHaveLength(2)

  // What was asked for: the store goes on with what it finds, the count of the other topic.
  expect(await outputs(cluster, app(cluster, renumbered, { ...elsewhere, onTopologyChange: 'accept' }))).toEqual(['b2'])
  expect(await outputs(cluster, app(cluster, renumbered, elsewhere), 'b')).toEqual(['b3'])
  await expect(app(cluster, { counts: ['a', 'b'] }).start()).rejects.toMatchObject(CHANGED)
})

test.concurrent('a store that would begin anew under another number is refused; the name that it had keeps its state', async () => {
  await using cluster = await opened()
  expect(await outputs(cluster, app(cluster, { counts: ['a'] }), 'a')).toEqual(['a1'])
  await expect(app(cluster, { counts: ['a'], isFiltered: true }).start()).rejects.toMatchObject({
    ...CHANGED,
    message: expect.stringContaining(`store '${STORE}1' would be left behind, and '${STORE}2' begin empty in its place`)
  })
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('a'), TEXT)
    .filter(() => true)
    .groupByKey()
    .count({ store: `${STORE}1` })
    .toStream()
    .to(cluster.name('out'), { key: string(), value: int64() })
  const named = new Millrace(builder.build(), { ...cluster.options, cacheBytes: 0 })
  const [value] = await outputs(cluster, named, 'a')
  expect(Buffer.from(value ?? '').readBigInt64BE()).toBe(2n)
})

test.concurrent('versions that fit run side by side, in whatever order their stores are defined', async () => {
  await using cluster = await opened()
  await using first = app(cluster, { counts: ['a', 'b'], isNamed: true })
  await first.start()
  const options = { stateDir: await cluster.newStateDir() }
  await using second = app(cluster, { counts: ['c', 'b', 'a'], isNamed: true, isFiltered: true }, options)
  await second.start()
  await first.close()
  expect(second.state).toBe('RUNNING')
})

test.concurrent('a reset leaves nothing to compare with', async () => {
  await using cluster = await opened()
  expect(await outputs(cluster, app(cluster, { counts: ['a'] }), 'a')).toEqual(['a1'])
  await expect(app(cluster, { counts: ['b'] }).start()).rejects.toMatchObject(CHANGED)
  await cluster.deleteTopics(`${STORE}1-changelog`)
  expect(
    await outputs(cluster, app(cluster, { counts: ['b'] }, { stateDir: await cluster.newStateDir() }), 'b')
  ).toEqual(['b1'])
})

test.concurrent('without state there is nothing to note, nor on demand', async () => {
  await using cluster = await opened()
  const noted = cluster.name('millrace-topology-changelog')
  const builder = new StreamsBuilder()
  builder.stream(cluster.name('a'), TEXT).to(cluster.name('out'), TEXT)
  await new Millrace(builder.build(), cluster.options).run({ until: 'end' })
  await outputs(cluster, app(cluster, { counts: ['a'] }, { onTopologyChange: 'ignore' }), 'a')
  expect((await cluster.client.admin.describeTopics([noted])).size).toBe(0)
})
