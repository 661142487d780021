// An application over Avro, a registry and real Kafka, beside Java's client with Apicurio's serializer.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type AvroSchema, registryAvro, schemaRegistry } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { Millrace, StreamsBuilder, string } from 'millrace'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { mavenJars } from '../../scripts/kafka-jars.ts'
import { TestCluster } from '../integration/test-cluster.ts'

const url = process.env.REGISTRY_URL
if (url === undefined)
  throw new Error('REGISTRY_URL is not set. `npm run test:registry` sets it, or starts a registry.')

const ORDER_V1 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'customer', type: 'string' },
    { name: 'cents', type: 'int' }
  ]
} as const

const ORDER_V2 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'customer', type: 'string' },
    { name: 'cents', type: 'long' },
    { name: 'currency', type: ['null', 'string'], default: null }
  ]
} as const

const TOTAL_V1 = {
  type: 'record',
  name: 'Total',
  namespace: 'shop',
  fields: [{ name: 'cents', type: 'long' }]
} as const

const TOTAL_V2 = {
  type: 'record',
  name: 'Total',
  namespace: 'shop',
  fields: [
    { name: 'cents', type: 'long' },
    { name: 'currencies', type: { type: 'array', items: 'string' }, default: [] }
  ]
} as const

const run = promisify(execFile)
let classes: string
let classPath: string
beforeAll(async () => {
  classes = await mkdtemp(join(tmpdir(), 'millrace-avro-classes-'))
  classPath = await compileJava()
}, 300_000)
afterAll(() => rm(classes, { recursive: true, force: true }))

let cluster: TestCluster
let dir: string
beforeEach(async () => {
  cluster = await TestCluster.open()
  dir = await mkdtemp(join(tmpdir(), 'millrace-avro-'))
})
afterEach(async () => {
  await cluster.close()
  await rm(dir, { recursive: true, force: true })
})

/** Compiled once; it needs a JDK. */
async function compileJava(): Promise<string> {
  const [source, pom] = ['AvroClient.java', 'pom.xml'].map(file => fileURLToPath(new URL(file, import.meta.url)))
  const jars = await mavenJars('avro-interop', pom as string, {
    title: "Apicurio's serializer",
    instead: 'run the other tests alone'
  })
  await run('javac', ['-cp', `${jars}/*`, '-d', classes, source as string])
  return `${classes}:${jars}/*`
}

async function java(topic: string, ...args: string[]): Promise<string[]> {
  const api = (url as string).replace(/\/apis\/ccompat\/v7$/, '/apis/registry/v2')
  const command = ['-Xmx128m', '-cp', classPath, 'AvroClient', cluster.brokers, api, cluster.name(topic), ...args]
  const { stdout } = await run('java', command, { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 })
  return stdout.trim().split('\n').sort()
}

/** @param records - key and value in Avro's JSON. */
async function produceWithJava(topic: string, schema: AvroSchema, records: readonly [string, object][]): Promise<void> {
  const [schemaFile, recordFile] = [join(dir, 'schema.json'), join(dir, 'records.txt')]
  await writeFile(schemaFile, JSON.stringify(schema))
  await writeFile(recordFile, records.map(([key, value]) => `${key}\t${JSON.stringify(value)}\n`).join(''))
  await java(topic, 'produce', schemaFile, recordFile)
}

const registry = () => schemaRegistry({ url: url as string })

function totalsV1() {
  const order = registryAvro({ registry: registry(), schema: ORDER_V1 })
  const total = registryAvro({ registry: registry(), schema: TOTAL_V1 })
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('orders'), { key: string(), value: order })
    .groupBy((_key, { customer }) => customer, { key: string(), value: order })
    .aggregate(
      () => ({ cents: 0 }),
      (_customer, { cents }, sum) => ({ cents: sum.cents + cents }),
      { store: 'totals', key: string(), value: total }
    )
    .toStream()
    .to(cluster.name('totals'), { key: string(), value: total })
  return builder.build()
}

function totalsV2() {
  const order = registryAvro({ registry: registry(), schema: ORDER_V2 })
  const total = registryAvro({ registry: registry(), schema: TOTAL_V2 })
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('orders'), { key: string(), value: order })
    .groupBy((_key, { customer }) => customer, { key: string(), value: order })
    .aggregate(
      () => ({ cents: 0, currencies: [] as readonly string[] }),
      (_customer, { cents, currency }, sum) => ({
        cents: sum.cents + cents,
        currencies: currency === null ? sum.currencies : [...new Set([...sum.currencies, currency])]
      }),
      { store: 'totals', key: string(), value: total }
    )
    .toStream()
    .to(cluster.name('totals'), { key: string(), value: total })
  return builder.build()
}

test('reads what Java wrote, aggregates, writes what Java reads, and goes on with a changed schema', async () => {
  await cluster.createTopics(2, 'orders', 'totals')
  const options = { ...cluster.options, processingGuarantee: 'exactly_once', cacheBytes: 0 } as const
  await produceWithJava('orders', ORDER_V1, [
    ['o1', { customer: 'ann', cents: 100 }],
    ['o2', { customer: 'bob', cents: 20 }],
    ['o3', { customer: 'ann', cents: 3 }]
  ])
  await new Millrace(totalsV1(), options).run({ until: 'end' })
  expect(await java('totals', 'consume', '3')).toEqual(
    ['ann\t{"cents": 100}', 'ann\t{"cents": 103}', 'bob\t{"cents": 20}'].sort()
  )

  // Both versions stand in the topic, and in the store, on disk and restored from its changelog.
  await produceWithJava('orders', ORDER_V2, [
    ['o4', { customer: 'ann', cents: 1000, currency: { string: 'EUR' } }],
    ['o5', { customer: 'eve', cents: 5, currency: null }]
  ])
  await new Millrace(totalsV2(), options).run({ until: 'end' })
  await produceWithJava('orders', ORDER_V1, [['o6', { customer: 'bob', cents: 1 }]])
  await new Millrace(totalsV2(), { ...options, stateDir: await cluster.newStateDir() }).run({ until: 'end' })
  expect(await java('totals', 'consume', '6')).toContain('bob\t{"cents": 21, "currencies": []}')
  expect(await readTotals()).toEqual({
    ann: { cents: 1103, currencies: ['EUR'] },
    bob: { cents: 21, currencies: [] },
    eve: { cents: 5, currencies: [] }
  })
}, 180_000)

/** The last of each customer, as the newest schema. */
async function readTotals(): Promise<Record<string, unknown>> {
  const total = registryAvro({ registry: registry(), schema: TOTAL_V2 })
  const context = { topic: cluster.name('totals'), isKey: false }
  await total.prepare?.(context, 'read')
  const records = await cluster.readRaw('totals')
  return Object.fromEntries(records.map(({ key, value }) => [String(key), total.deserialize(value as Buffer, context)]))
}

test('waits for a registry that is away, in the middle and at the start, loses nothing and asks no handler', async () => {
  await using memory = await MemoryRegistry.start({ compatibility: 'NONE' })
  const connect = () => schemaRegistry({ url: memory.url, retryBackoffMs: 20, retryBackoffMaxMs: 100, retries: 2 })
  await cluster.createTopics(1, 'orders', 'out')
  const warnings: string[] = []
  const failed: unknown[] = []
  const open = () => {
    const builder = new StreamsBuilder()
    const order = registryAvro({ registry: connect(), schema: ORDER_V2 })
    builder.stream(cluster.name('orders'), { key: string(), value: order }).to(cluster.name('out'), { value: order })
    const app = new Millrace(builder.build(), {
      ...cluster.options,
      commitIntervalMs: 100,
      logger: { debug: () => {}, info: () => {}, warn: text => void warnings.push(text), error: () => {} },
      onDeserializationError: ({ error }) => {
        failed.push(error)
        return 'continue'
      }
    })
    return app
  }
  const write = async (schema: AvroSchema, value: object) => {
    const serde = registryAvro<object>({ registry: connect(), schema })
    const context = { topic: cluster.name('orders'), isKey: false }
    await serde.prepare?.(context, 'write')
    return () => cluster.produce('orders', [{ key: 'k', value: Buffer.from(serde.serialize(value, context)) }])
  }
  const out = async () => (await cluster.read('out')).length

  const second = await write(ORDER_V2, { customer: 'bob', cents: 2, currency: null })
  const app = open()
  await app.start()
  await second()
  await expect.poll(out, { timeout: 20_000 }).toBe(1)
  const first = await write(ORDER_V1, { customer: 'ann', cents: 1 })
  memory.shut()
  await first()
  await second()
  await expect.poll(() => warnings.join('\n'), { timeout: 20_000 }).toContain('is fetched from the registry')
  expect(await out()).toBe(1)
  memory.open()
  await expect.poll(out, { timeout: 20_000 }).toBe(3)
  await app.close()

  await second()
  memory.shut()
  warnings.length = 0
  const again = open()
  const started = again.start()
  await expect.poll(() => warnings.join('\n'), { timeout: 20_000 }).toContain('did not serve')
  memory.open()
  await started
  await expect.poll(out, { timeout: 20_000 }).toBe(4)
  await again.close()
  expect(failed).toEqual([])
})
