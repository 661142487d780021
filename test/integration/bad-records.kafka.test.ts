// Records that cannot be read, processed or written: each fails with an error that says what to do and loses nothing, or is passed over as
// the handler says.
import { type ErrorHandler, json, Millrace, type MillraceOptions, type Serde, StreamsBuilder, string } from 'millrace'
import { describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }
const GARBAGE = Buffer.from([0x7b, 0x00, 0xff, 0xfe])

function doubled(cluster: TestCluster, options: Partial<MillraceOptions> = {}, double = (value: number) => value * 2) {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .mapValues(value => double(value))
    .to(cluster.name('out'), numbers)
  return new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once', ...options })
}

/** So that what fails does so before anything is committed, on a slow machine too. */
const COMMITS_LATE = { commitIntervalMs: 5_000 }

async function values(cluster: TestCluster, topic = 'out'): Promise<string[]> {
  return (await cluster.read(topic)).map(({ value }) => value)
}

describe('garbage bytes on the input', () => {
  const messages = [
    { key: 'a', value: '1' },
    { key: 'b', value: GARBAGE, timestamp: '1234567', headers: { origin: Buffer.from([1, 0, 2]) } },
    { key: 'c', value: '3' }
  ]

  async function withGarbage(): Promise<TestCluster> {
    const cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out', 'dead')
    await cluster.produce('in', messages)
    return cluster
  }

  test('stop the application with their place, and nothing is lost once the handler lets them pass', async () => {
    await using cluster = await withGarbage()
    const place = `${cluster.name('in')}-0@1`
    const failing = doubled(cluster, COMMITS_LATE)
    await expect(failing.run({ until: 'end' })).rejects.toMatchObject({
      code: 'RECORD_DESERIALIZE_FAILED',
      message: expect.stringMatching(new RegExp(`${place}.*onDeserializationError.*'continue'`)),
      details: { topic: cluster.name('in'), partition: 0, offset: 1, part: 'value' }
    })
    expect(failing.state).toBe('ERROR')
    expect(await values(cluster)).toEqual([])

    await doubled(cluster, { onDeserializationError: 'continue' }).run({ until: 'end' })
    expect(await values(cluster)).toEqual(['2', '6'])
  })

  test('are counted when they are passed over', async () => {
    await using cluster = await withGarbage()
    const app = doubled(cluster, { onDeserializationError: 'continue' })
    await app.start()
    await expect.poll(() => values(cluster), { timeout: 15_000 }).toEqual(['2', '6'])
    const metrics = await app.metrics()
    expect(metrics.nodes['KSTREAM-SOURCE-0000000000']).toEqual({
      processed: 2,
      dropped: { 'deserialization-error': 1 }
    })
    expect(metrics.droppedRecords).toBe(1)
    await app.close()
  })

  test('go to the dead-letter topic as they were, with where and why', async () => {
    await using cluster = await withGarbage()
    await doubled(cluster, { onDeserializationError: 'dead-letter', deadLetterTopic: cluster.name('dead') }).run({
      until: 'end'
    })
    expect(await values(cluster)).toEqual(['2', '6'])
    const [dead, ...others] = await cluster.readRaw('dead')
    expect(others).toEqual([])
    expect(dead?.key).toEqual(Buffer.from('b'))
    expect(dead?.value).toEqual(GARBAGE)
    expect(dead?.timestampMs).toBe(1_234_567)
    expect(dead?.headers.get('origin')).toEqual(Buffer.from([1, 0, 2]))
    const told = (name: string) => dead?.headers.get(`__streams.errors.${name}`)?.toString()
    expect(told('topic')).toBe(cluster.name('in'))
    expect(told('partition')).toBe('0')
    expect(told('offset')).toBe('1')
    expect(told('code')).toBe('RECORD_DESERIALIZE_FAILED')
    expect(told('message')).toContain('could not be deserialised')
    expect(told('exception')).not.toBe('')
  })

  test('reach a handler of the user with their bytes', async () => {
    await using cluster = await withGarbage()
    const seen: unknown[] = []
    await doubled(cluster, {
      onDeserializationError: failed => {
        seen.push({ code: failed.error.code, offset: failed.offset, value: Buffer.from(failed.value ?? []) })
        return 'continue'
      }
    }).run({ until: 'end' })
    expect(seen).toEqual([{ code: 'RECORD_DESERIALIZE_FAILED', offset: 1, value: GARBAGE }])
  })

  test('as the last of a topic are committed past', async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out')
    await cluster.produce('in', [{ key: 'b', value: GARBAGE }])
    await doubled(cluster, { onDeserializationError: 'continue' }).run({ until: 'end' })
    expect(await cluster.committed('in')).toEqual([1])
  })
})

test('null keys are dropped by a grouping and counted, and pass a plain map', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out', 'counts')
  await cluster.produce('in', [
    { key: null, value: '1' },
    { key: 'a', value: '2' },
    { key: null, value: null },
    { key: 'a', value: '3' }
  ])
  const builder = new StreamsBuilder()
  const stream = builder.stream(cluster.name('in'), numbers)
  stream.to(cluster.name('out'), numbers)
  stream.groupByKey().count({ store: 'counted', caching: false }).toStream().to(cluster.name('counts'), numbers)
  const app = new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once' })
  await app.start()
  await expect.poll(() => values(cluster, 'counts'), { timeout: 15_000 }).toEqual(['1', '2'])
  const { nodes, droppedRecords } = await app.metrics()
  await app.close()
  expect(await values(cluster)).toEqual(['1', '2', '', '3'])
  expect(droppedRecords).toBe(2)
  expect(Object.values(nodes).flatMap(node => Object.values(node.dropped))).toEqual([2])
})

test.each(['exactly_once', 'at_least_once'] as const)(
  'an error in a function of the user names the node and the record; the next run is complete (%s)',
  async processingGuarantee => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out', 'dead')
    await cluster.produce('in', [
      { key: 'a', value: '1' },
      { key: 'a', value: '2' },
      { key: 'a', value: '3' }
    ])
    const failOnTwo = (value: number) => {
      if (value === 2) throw new RangeError('two is too many')
      return value * 2
    }
    await expect(doubled(cluster, { processingGuarantee }, failOnTwo).run({ until: 'end' })).rejects.toMatchObject({
      code: 'RECORD_PROCESS_FAILED',
      message: expect.stringMatching(/'KSTREAM-MAPVALUES-0000000001' .*-in-0@1: two is too many.*onProcessingError/),
      cause: expect.any(RangeError)
    })
    const deadLetterTopic = cluster.name('dead')
    await doubled(cluster, { processingGuarantee, onProcessingError: 'dead-letter', deadLetterTopic }, failOnTwo).run({
      until: 'end'
    })
    const out = await values(cluster)
    if (processingGuarantee === 'exactly_once') expect(out).toEqual(['2', '6'])
    else expect(out.slice(-2)).toEqual(['2', '6'])
    expect((await cluster.read('dead')).map(({ value }) => value)).toEqual(['2'])
  }
)

test('a handler that throws stops the application and is named', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce('in', [{ key: 'a', value: GARBAGE }])
  const onDeserializationError: ErrorHandler = () => {
    throw new Error('the handler is broken')
  }
  await expect(doubled(cluster, { onDeserializationError }).run({ until: 'end' })).rejects.toMatchObject({
    code: 'RECORD_DESERIALIZE_FAILED',
    message: expect.stringContaining('handler itself threw: the handler is broken')
  })
})

test('a timestamp extractor that returns nonsense stops the application and is named', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce('in', [{ key: 'a', value: '1' }])
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), { ...numbers, timestampExtractor: () => Number.NaN })
    .to(cluster.name('out'), numbers)
  await expect(new Millrace(builder.build(), cluster.options).run({ until: 'end' })).rejects.toMatchObject({
    code: 'RECORD_TIMESTAMP_INVALID',
    message: expect.stringMatching(/KSTREAM-SOURCE-0000000000.*NaN.*-in-0@0/)
  })
})

describe('output that cannot be written', () => {
  const failsOnTwo: Serde<number> = {
    serialize: value => {
      if (value === 2) throw new TypeError('two cannot be written')
      return Buffer.from(JSON.stringify(value))
    },
    name: 'fails on two',
    deserialize: bytes => Number(Buffer.from(bytes).toString())
  }

  function copied(cluster: TestCluster, value: Serde<number>, options: Partial<MillraceOptions> = {}) {
    const builder = new StreamsBuilder()
    builder.stream(cluster.name('in'), numbers).to(cluster.name('out'), { key: string(), value })
    return new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once', ...options })
  }

  async function withThree(): Promise<TestCluster> {
    const cluster = await TestCluster.open()
    await cluster.createTopics(1, 'in', 'out', 'dead')
    await cluster.produce(
      'in',
      [1, 2, 3].map(value => ({ key: 'a', value: String(value) }))
    )
    return cluster
  }

  test('because its serde throws names the sink and the topic; the next run is complete', async () => {
    await using cluster = await withThree()
    await expect(copied(cluster, failsOnTwo, COMMITS_LATE).run({ until: 'end' })).rejects.toMatchObject({
      code: 'RECORD_SERIALIZE_FAILED',
      message: expect.stringMatching(
        /'KSTREAM-SINK-0000000001'.*-out'.*value.*two cannot be written.*onProductionError/
      ),
      cause: expect.any(TypeError)
    })
    expect(await values(cluster)).toEqual([])
    await copied(cluster, json<number>()).run({ until: 'end' })
    expect(await values(cluster)).toEqual(['1', '2', '3'])
  })

  test('because its serde throws can be passed over', async () => {
    await using cluster = await withThree()
    const deadLetterTopic = cluster.name('dead')
    await copied(cluster, failsOnTwo, { onProductionError: 'dead-letter', deadLetterTopic }).run({ until: 'end' })
    expect(await values(cluster)).toEqual(['1', '3'])
    expect(await values(cluster, 'dead')).toEqual(['2'])
  })

  function grown(cluster: TestCluster, bytesOfTwo: number, options: Partial<MillraceOptions> = {}) {
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .mapValues(value => (value === 2 ? 'x'.repeat(bytesOfTwo) : String(value)))
      .to(cluster.name('out'), { key: string(), value: string() })
    return new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once', ...options })
  }

  test.each([
    ['a request', 3_000_000],
    ['what its topic allows', 5_000]
  ])('because it is larger than %s names the topic; the next run is complete', async (_what, bytes) => {
    await using cluster = await withThree()
    await cluster.setTopicConfig('out', 'max.message.bytes', '2000')
    await expect(grown(cluster, bytes, COMMITS_LATE).run({ until: 'end' })).rejects.toMatchObject({
      code: expect.stringMatching(/^RECORD_(TOO_LARGE|PRODUCE_FAILED)$/),
      message: expect.stringMatching(/-out'/)
    })
    expect(await values(cluster)).toEqual([])
    await grown(cluster, 3).run({ until: 'end' })
    expect(await values(cluster)).toEqual(['1', 'xxx', '3'])
  })

  test('because it is larger than a request can be passed over', async () => {
    await using cluster = await withThree()
    await grown(cluster, 3_000_000, { onProductionError: 'continue' }).run({ until: 'end' })
    expect(await values(cluster)).toEqual(['1', '3'])
  })

  test.each(['exactly_once', 'at_least_once'] as const)(
    'because it is larger than its topic allows can be passed over by the handler (%s)',
    async processingGuarantee => {
      await using cluster = await withThree()
      await cluster.setTopicConfig('out', 'max.message.bytes', '2000')
      const asked: unknown[] = []
      const onProductionError: ErrorHandler = ({ error }) => {
        asked.push([error.code, error.details['topic'], error.details['recordCount']])
        return 'continue'
      }
      await grown(cluster, 5_000, { onProductionError, processingGuarantee }).run({ until: 'end' })
      expect(await values(cluster)).toEqual(['1', '3'])
      expect(asked).toEqual([['RECORD_PRODUCE_FAILED', cluster.name('out'), 1]])
    }
  )

  test('because its computed topic is missing names it; the next run is complete', async () => {
    await using cluster = await withThree()
    const routed = (ofTwo: string) => {
      const builder = new StreamsBuilder()
      builder
        .stream(cluster.name('in'), numbers)
        .to((_key, value) => cluster.name(value === 2 ? ofTwo : 'out'), numbers)
      return new Millrace(builder.build(), {
        ...cluster.options,
        ...COMMITS_LATE,
        processingGuarantee: 'exactly_once'
      })
    }
    await expect(routed('nowhere').run({ until: 'end' })).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining(cluster.name('nowhere'))
    })
    expect(await values(cluster)).toEqual([])
    await routed('dead').run({ until: 'end' })
    expect(await values(cluster)).toEqual(['1', '3'])
    expect(await values(cluster, 'dead')).toEqual(['2'])
  })
})

describe('a record of an internal topic that the broker refuses', () => {
  const values = { key: string(), value: string() }

  function lastOfEach(cluster: TestCluster, repartitioned: boolean, bytesOfTwo: number, options = {}) {
    const builder = new StreamsBuilder()
    const sized = builder
      .stream(cluster.name('in'), numbers)
      .mapValues(value => (value === 2 ? 'x'.repeat(bytesOfTwo) : String(value)))
    const grouped = repartitioned ? sized.groupBy(key => key, values) : sized.groupByKey(values)
    grouped
      .reduce((_before, now) => now, { store: 'last' })
      .toStream()
      .mapValues(value => String(value.length))
      .to(cluster.name('out'), values)
    return new Millrace(builder.build(), {
      ...cluster.options,
      internalTopicConfigs: { 'max.message.bytes': '2000' },
      ...options
    })
  }

  test.each([
    ['changelog', 'exactly_once'],
    ['changelog', 'at_least_once'],
    ['repartition', 'exactly_once'],
    ['repartition', 'at_least_once']
  ] as const)(
    'is not passed over by the handler, so that the state is the same wherever it is restored (%s, %s)',
    async (kind, processingGuarantee) => {
      await using cluster = await TestCluster.open()
      await cluster.createTopics(1, 'in', 'out')
      await cluster.produce(
        'in',
        [1, 2].map(value => ({ key: 'a', value: String(value) }))
      )
      const repartitioned = kind === 'repartition'
      const asked: unknown[] = []
      const onProductionError: ErrorHandler = ({ error }) => {
        asked.push(error)
        return 'continue'
      }
      const failing = { ...COMMITS_LATE, onProductionError, processingGuarantee }
      await expect(lastOfEach(cluster, repartitioned, 5_000, failing).run({ until: 'end' })).rejects.toMatchObject({
        code: 'RECORD_TOO_LARGE',
        message: expect.stringMatching(new RegExp(`'${cluster.applicationId}-[^']*-${kind}'.*max\\.message\\.bytes`))
      })
      expect(asked).toEqual([])
      expect(await cluster.committed('in')).toEqual([-1])

      const stateDir = await cluster.newStateDir()
      const app = lastOfEach(cluster, repartitioned, 3, { processingGuarantee, stateDir })
      await app.run({ until: 'end' })
      expect((await cluster.read('out')).at(-1)).toMatchObject({ key: 'a', value: '3' })
    }
  )
})
