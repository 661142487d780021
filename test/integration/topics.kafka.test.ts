// Topics that are missing, have the wrong number of partitions, or have lost records: each error names the topic and what to do, and
// nothing is lost once it is mended.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string, type Topology } from 'millrace'
import { describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }

function copy(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  builder.stream(cluster.name('in'), numbers).to(cluster.name('out'), numbers)
  return app(cluster, builder.build(), options)
}

function count(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), numbers)
  return app(cluster, builder.build(), { cacheBytes: 0, ...options })
}

function app(cluster: TestCluster, topology: Topology, options: Partial<MillraceOptions> = {}) {
  return new Millrace(topology, { ...cluster.options, processingGuarantee: 'exactly_once', ...options })
}

const run = (application: Millrace) => application.run({ until: 'end' })
const records = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ key: 'a', value: String(from + i), partition: 0 }))

async function values(cluster: TestCluster): Promise<number[]> {
  return (await cluster.read('out')).map(({ value }) => Number(value))
}

describe('a missing topic', () => {
  test('of the input is named, in start() as in run()', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'out')
    const expected = {
      code: 'TOPIC_MISSING',
      message: expect.stringMatching(new RegExp(`reads '${cluster.name('in')}'.*Create it first`))
    }
    const failing = copy(cluster)
    await expect(failing.start()).rejects.toMatchObject(expected)
    expect(failing.state).toBe('ERROR')
    expect(failing.error).toMatchObject(expected)
    await failing.close()
    await expect(run(copy(cluster))).rejects.toMatchObject(expected)
  })

  test('of the output is named before anything is processed', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in')
    await cluster.produce('in', records(3))
    await expect(run(copy(cluster))).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringMatching(new RegExp(`writes to '${cluster.name('out')}'.*Create it first`))
    })
    await cluster.createTopics(1, 'out')
    await run(copy(cluster))
    expect(await values(cluster)).toEqual([0, 1, 2])
  })

  test('of dead letters is named', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    const deadLetterTopic = cluster.name('dead')
    await expect(run(copy(cluster, { onProcessingError: 'dead-letter', deadLetterTopic }))).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining(`'${deadLetterTopic}'`)
    })
  })
})

describe('partition counts', () => {
  test('of an internal topic that do not fit name both and how to reset', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(2, 'in', 'out')
    await cluster.createTopics(3, 'counts-changelog')
    await cluster.produce('in', records(3))
    await expect(run(count(cluster))).rejects.toMatchObject({
      code: 'TOPIC_PARTITION_COUNT_MISMATCH',
      message: expect.stringMatching(/-counts-changelog' has 3 partitions.*needs 2.*-in' \(2\).*reset the application/)
    })
    await cluster.deleteTopics('counts-changelog')
    await run(count(cluster))
    expect(await values(cluster)).toEqual([1, 2, 3])
  })

  test('of two topics that are joined name both sides', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(2, 'in', 'out')
    await cluster.createTopics(3, 'table')
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .join(builder.table(cluster.name('table'), numbers), (value, row) => value + row)
      .to(cluster.name('out'), numbers)
    await expect(run(app(cluster, builder.build()))).rejects.toMatchObject({
      code: 'TOPOLOGY_NOT_COPARTITIONED',
      message: expect.stringMatching(/-in' \(2 partitions\).*-table' \(3 partitions\).*same number of partitions/)
    })
  })
})

describe('a committed offset whose records are gone', () => {
  async function withGap(): Promise<TestCluster> {
    const cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', records(3))
    await run(copy(cluster))
    await cluster.produce('in', records(4, 3))
    await cluster.client.admin.deleteRecords([{ topic: cluster.name('in'), partition: 0, offset: 5 }])
    return cluster
  }

  test('goes on at the first record left (earliest)', async () => {
    await using cluster = await withGap()
    await run(copy(cluster, { autoOffsetReset: 'earliest' }))
    expect(await values(cluster)).toEqual([0, 1, 2, 5, 6])
  })

  test('goes on behind the last record (latest)', async () => {
    await using cluster = await withGap()
    const warnings: string[] = []
    const logger = { ...cluster.options.logger, warn: (message: string) => void warnings.push(message) }
    const application = copy(cluster, { autoOffsetReset: 'latest', logger })
    await application.start()
    await expect.poll(() => warnings, { timeout: 15_000 }).toHaveLength(1)
    expect(warnings[0]).toMatch(/latest offset, 7/)
    await cluster.produce('in', records(1, 7))
    await expect.poll(() => values(cluster), { timeout: 15_000 }).toEqual([0, 1, 2, 7])
    await application.close()
  })

  test('stops and says so (none); with another policy it goes on', async () => {
    await using cluster = await withGap()
    const failing = copy(cluster, { autoOffsetReset: 'none' })
    await expect(run(failing)).rejects.toMatchObject({
      code: 'CLIENT_OFFSET_OUT_OF_RANGE',
      message: expect.stringMatching(/-in-0 .*autoOffsetReset.*'earliest' or 'latest'/)
    })
    expect(failing.state).toBe('ERROR')
    await run(copy(cluster))
    expect(await values(cluster)).toEqual([0, 1, 2, 5, 6])
  })
})

describe('an input without committed offsets', () => {
  test('is refused by the policy none', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', records(3))
    await expect(run(copy(cluster, { autoOffsetReset: 'none' }))).rejects.toMatchObject({
      code: 'CLIENT_OFFSET_OUT_OF_RANGE',
      message: expect.stringMatching(/no committed offset.*'none'/)
    })
    await run(copy(cluster))
    expect(await values(cluster)).toEqual([0, 1, 2])
  })

  test('begins at its end by the policy latest, where run until the end is done at once', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', records(3))
    await run(copy(cluster, { autoOffsetReset: 'latest' }))
    expect(await values(cluster)).toEqual([])
  })
})

describe('a changelog', () => {
  test('that was deleted and made anew behind the checkpoint: the store is rebuilt from what it holds', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', records(3))
    await run(count(cluster))
    await cluster.deleteTopics('counts-changelog')
    await cluster.produce('in', records(1))
    const warnings: string[] = []
    const logger = { ...cluster.options.logger, warn: (message: string) => void warnings.push(message) }
    await run(count(cluster, { logger }))
    expect(warnings).toContainEqual(expect.stringMatching(/'counts' of task 0_0 .*it is rebuilt/))
    // What a changelog no longer holds is gone: the store says what the changelog says, and not two things at once.
    expect(await values(cluster)).toEqual([1, 2, 3, 1])
    const restored: number[] = []
    await run(
      count(cluster, {
        stateDir: await cluster.newStateDir(),
        restoreListener: { onRestoreEnd: store => void restored.push(store.totalRestored) }
      })
    )
    expect(restored).toEqual([1])
  })

  test('whose beginning was deleted behind the checkpoint: the store is rebuilt from the rest', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', records(3))
    await run(count(cluster))
    const emptyDir = await cluster.newStateDir()
    await cluster.produce('in', records(2))
    await run(count(cluster, { stateDir: emptyDir }))
    const topic = cluster.name('counts-changelog')
    const [end] = await cluster.client.admin.listOffsets([{ topic, partition: 0, at: 'latest' }], 'read_committed')
    await cluster.setTopicConfig('counts-changelog', 'cleanup.policy', 'delete')
    await cluster.client.admin.deleteRecords([{ topic, partition: 0, offset: (end?.offset ?? 0) - 2 }])
    await cluster.produce('in', records(1))
    // The first directory stands below the log's start; the last record says 5.
    await run(count(cluster))
    expect(await values(cluster)).toEqual([1, 2, 3, 4, 5, 6])
  })
})
