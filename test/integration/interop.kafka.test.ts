// Other people's clients on both sides of an application.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Partitioners } from 'kafkajs'
import { int64, Millrace, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { kafkaJars } from '../../scripts/kafka-jars.ts'
import { withoutJava } from '../../scripts/start-broker.ts'
import { TestCluster } from './test-cluster.ts'

const T0 = 1_700_000_000_000
const PARTITIONS = 5
const strings = { key: string(), value: string() }

interface SeenRecord {
  readonly partition: number
  readonly timestampMs: number
  readonly key: string
  readonly value: string | number
  readonly headers: readonly (readonly [string, string | null])[]
}

/** Runs Kafka's own Java client. */
async function java(cluster: TestCluster, ...args: string[]): Promise<string> {
  const source = fileURLToPath(new URL('InteropClient.java', import.meta.url))
  const command = ['-Xmx128m', '-cp', `${await kafkaJars()}/*`, source, cluster.brokers, ...args]
  const { stdout } = await promisify(execFile)('java', command, {
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, JAVA_TOOL_OPTIONS: '-Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8' }
  })
  return stdout
}

async function consumeWithJava(
  cluster: TestCluster,
  topic: string,
  count: number,
  values: 'text' | 'long' = 'text'
): Promise<SeenRecord[]> {
  const lines = (await java(cluster, 'consume', cluster.name(topic), String(count), values)).trim().split('\n')
  return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as SeenRecord)
}

async function consumeWithKafkajs(cluster: TestCluster, topic: string, count: number): Promise<SeenRecord[]> {
  const consumer = cluster.kafkajs.consumer({ groupId: `${cluster.name(topic)}-kafkajs` })
  const seen: SeenRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: cluster.name(topic), fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          seen.push({
            partition,
            timestampMs: Number(message.timestamp),
            key: String(message.key),
            value: String(message.value),
            headers: Object.entries(message.headers ?? {}).map(([name, value]) => [name, value?.toString() ?? null])
          })
          if (seen.length === count) resolve()
        }
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return seen
}

async function copy(cluster: TestCluster, compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' = 'none') {
  const builder = new StreamsBuilder()
  builder.stream(cluster.name('in'), strings).to(cluster.name('out'), strings)
  await new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    producer: { compression }
  }).run({ until: 'end' })
}

const inOrder = (records: readonly SeenRecord[]) => records.toSorted((a, b) => a.timestampMs - b.timestampMs)

test.skipIf(withoutJava())(
  'Java’s producer and consumer: bytes, headers, timestamps and partitions are kept',
  async () => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(PARTITIONS, 'in', 'out')
    const count = 200
    await java(cluster, 'produce', cluster.name('in'), String(count), 'zstd')
    await copy(cluster, 'lz4')
    const [sent, seen] = await Promise.all([
      consumeWithJava(cluster, 'in', count),
      consumeWithJava(cluster, 'out', count)
    ])
    expect(inOrder(seen)).toEqual(inOrder(sent))
    expect(inOrder(seen)[7]).toMatchObject({
      timestampMs: T0 + 7,
      key: 'kéy-7',
      value: 'välue 7',
      headers: [
        ['n', 'h7'],
        ['empty', ''],
        ['none', null]
      ]
    })
    // Keys were spread, or equal partitions would say nothing.
    expect(new Set(seen.map(({ partition }) => partition)).size).toBe(PARTITIONS)
  }
)

test('kafkajs’s producer and consumer: bytes, headers, timestamps and partitions are kept', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(PARTITIONS, 'in', 'out')
  const count = 200
  const producer = cluster.kafkajs.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  await producer.send({
    topic: cluster.name('in'),
    messages: Array.from({ length: count }, (_, i) => ({
      key: `kéy-${i}`,
      value: `välue ${i}`,
      timestamp: String(T0 + i),
      headers: { n: `h${i}`, bytes: Buffer.from('b') }
    }))
  })
  await producer.disconnect()
  await copy(cluster, 'gzip')
  const [sent, seen] = await Promise.all([
    consumeWithKafkajs(cluster, 'in', count),
    consumeWithKafkajs(cluster, 'out', count)
  ])
  expect(inOrder(seen)).toEqual(inOrder(sent))
  expect(inOrder(seen)[7]).toMatchObject({
    timestampMs: T0 + 7,
    key: 'kéy-7',
    headers: [
      ['n', 'h7'],
      ['bytes', 'b']
    ]
  })
  expect(new Set(seen.map(({ partition }) => partition)).size).toBe(PARTITIONS)
})

test.skipIf(withoutJava())('Java reads counts as longs, and the changelog as Kafka Streams lays it out', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  await java(cluster, 'produce', cluster.name('in'), '3', 'none')
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), strings)
    .groupBy(() => 'all', strings)
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), { key: string(), value: int64() })
  await new Millrace(builder.build(), { ...cluster.options, processingGuarantee: 'exactly_once' }).run({ until: 'end' })
  const [output] = await cluster.readRaw('out')
  const [change] = await cluster.readRaw('counts-changelog')
  expect(output?.value).toEqual(Buffer.from([0, 0, 0, 0, 0, 0, 0, 3]))
  expect(output?.timestampMs).toBe(T0 + 2)
  expect(change).toMatchObject({ key: Buffer.from('all'), value: output?.value, timestampMs: T0 + 2 })
  const [read] = await consumeWithJava(cluster, 'out', 1, 'long')
  expect(read).toMatchObject({ key: 'all', value: 3, timestampMs: T0 + 2 })
})
