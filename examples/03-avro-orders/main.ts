// Orders and customers in Avro, joined; a second version of the schemas is rolled out while it runs. Uses the Kafka of KAFKA_BROKERS and the
// registry of REGISTRY_URL, or an embedded broker and a registry in this process.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedBroker } from '@millrace/broker'
import { type AvroValue, registryAvro, schemaRegistry } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { Kafka, logLevel } from 'kafkajs'
import { Millrace, type Serde, type Topology } from 'millrace'
import { centsOf } from './cents.ts'
import { CUSTOMER, ORDER_V1, ORDER_V2, TURNOVER_V2 } from './schemas.ts'
import { plainTurnover } from './plain-turnover.ts'
import { discountedTurnover } from './discounted-turnover.ts'

type Turnover = AvroValue<typeof TURNOVER_V2>

const READ_TIMEOUT_MS = 60_000
const COUNTRIES = ['AT', 'CH', 'DE'] as const
const CUSTOMERS = 30
const ORDERS = 300

const cleanup = new AsyncDisposableStack()
try {
  await main()
} catch (error) {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
} finally {
  await cleanup.disposeAsync()
}

async function main(): Promise<void> {
  const brokers = process.env['KAFKA_BROKERS'] || cleanup.use(await EmbeddedBroker.start({ port: 0 })).bootstrap
  const url = process.env['REGISTRY_URL'] || cleanup.use(await MemoryRegistry.start()).url
  // A name of its own, so that runs can share a Kafka and a registry.
  const name = `avro-orders-${randomBytes(4).toString('hex')}`
  const topic = (suffix: string) => `${name}-${suffix}`
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  await createTopics(kafka, [topic('customers'), topic('orders'), topic('turnover')])
  const registry = () => schemaRegistry({ url })
  const write = async <T>(serde: Serde<T>, suffix: string, records: readonly [string, T][]) =>
    await produce(kafka, topic(suffix), serde, records)

  const first = registryAvro({ registry: registry(), schema: ORDER_V1 })
  const second = registryAvro({ registry: registry(), schema: ORDER_V2 })
  const customers = range(CUSTOMERS).map(
    index =>
      [`c${index}`, { name: `Customer ${index}`, country: countryOf(index) }] as [string, AvroValue<typeof CUSTOMER>]
  )
  await write(registryAvro({ registry: registry(), schema: CUSTOMER }), 'customers', customers)
  const turnover = await follow(kafka, topic('turnover'), registryAvro({ registry: registry(), schema: TURNOVER_V2 }))

  const start = async (topology: Topology) => {
    const app = new Millrace(topology, {
      applicationId: name,
      brokers: brokers.split(','),
      stateDir: await temporaryFolder(),
      processingGuarantee: 'exactly_once',
      commitIntervalMs: 100,
      handleSignals: false
    })
    cleanup.defer(() => app.close())
    await app.start()
    return app
  }

  const old = await start(plainTurnover(registry(), topic))
  await write(
    first,
    'orders',
    orders(0).map(([key, { orderId, amount, placed }]) => [key, { orderId, amount, placed }])
  )
  await turnover.reach(ORDERS)
  print('the first version, orders of the first version', turnover.last)

  await write(second, 'orders', orders(1))
  await turnover.reach(2 * ORDERS)
  print('the first version, orders of the second: it does not know of discounts', turnover.last)

  await start(discountedTurnover(registry(), topic))
  await old.close()
  await write(second, 'orders', orders(2))
  await turnover.reach(3 * ORDERS)
  print('the second version, having taken over', turnover.last)

  const expected = recomputed()
  for (const country of COUNTRIES) {
    const [found, due] = [JSON.stringify(turnover.last.get(country)), JSON.stringify(expected.get(country))]
    if (found !== due) throw new Error(`${country} should be ${due}, and is ${found}.`)
  }
  process.stdout.write('\nThe same as a recomputation over all orders.\n')
}

// ── what is ordered ────────────────────────────────────────────────────────────────────────────────────────────────

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function countryOf(customer: number): (typeof COUNTRIES)[number] {
  return COUNTRIES[customer % COUNTRIES.length] as (typeof COUNTRIES)[number]
}

function orders(batch: number): [string, AvroValue<typeof ORDER_V2>][] {
  return range(ORDERS).map(index => {
    const amount = `${10 + (index % 90)}.${String(index % 100).padStart(2, '0')}`
    const placed = new Date(Date.UTC(2026, 0, 1 + batch, 0, 0, index))
    return [
      `c${index % CUSTOMERS}`,
      { orderId: `${batch}-${index}`, amount, placed, discountPercent: index % 4 === 0 ? 10 : 0 }
    ]
  })
}

/** What has to come of it: discounts count from the third batch on. */
function recomputed(): Map<string, Turnover> {
  const totals = new Map<string, Turnover>()
  for (const batch of range(3)) {
    for (const [index, [, { amount, discountPercent }]] of orders(batch).entries()) {
      const country = countryOf(index % CUSTOMERS)
      const before = totals.get(country) ?? { orders: 0, cents: 0, discountCents: 0 }
      const discount = batch < 2 ? 0 : Math.round((centsOf(amount) * discountPercent) / 100)
      totals.set(country, {
        orders: before.orders + 1,
        cents: before.cents + centsOf(amount) - discount,
        discountCents: before.discountCents + discount
      })
    }
  }
  return totals
}

function print(title: string, totals: ReadonlyMap<string, Turnover>): void {
  process.stdout.write(`\n${title}\n`)
  for (const [country, { orders: count, cents, discountCents }] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const euros = (value: number) => (value / 100).toFixed(2)
    process.stdout.write(`  ${country}  ${count} orders  ${euros(cents)} €  ${euros(discountCents)} € let off\n`)
  }
}

// ── Kafka ──────────────────────────────────────────────────────────────────────────────────────────────────────────

async function createTopics(kafka: Kafka, names: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: false, // sends below try again until there are leaders
    topics: names.map(topic => ({ topic, numPartitions: 2 }))
  })
  await admin.disconnect()
  cleanup.defer(async () => {
    const last = kafka.admin()
    await last.connect()
    const prefix = (names[0] as string).replace(/-customers$/, '')
    await last.deleteTopics({ topics: (await last.listTopics()).filter(topic => topic.startsWith(`${prefix}-`)) })
    await last.disconnect()
  })
}

/** Somebody else's producer: any client can write what the serde gives. */
async function produce<T>(
  kafka: Kafka,
  topic: string,
  serde: Serde<T>,
  records: readonly [string, T][]
): Promise<void> {
  await serde.prepare?.({ topic, isKey: false }, 'write')
  const messages = records.map(([key, value]) => ({
    key,
    value: Buffer.from(serde.serialize(value, { topic, isKey: false }))
  }))
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({ topic, messages })
  await producer.disconnect()
}

/** The last turnover of each country, whatever version it was written by. */
async function follow(kafka: Kafka, topic: string, serde: Serde<Turnover>) {
  const last = new Map<string, Turnover>()
  let changed = () => {}
  const consumer = kafka.consumer({ groupId: `${topic}-reader`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  cleanup.defer(() => consumer.disconnect())
  await consumer.subscribe({ topic, fromBeginning: true })
  const read = async (bytes: Buffer): Promise<Turnover> => {
    try {
      return serde.deserialize(bytes, { topic, isKey: false })
    } catch (error) {
      // A schema that is new to the serde: it is being fetched.
      await (error as { details?: { ready?: Promise<void> } }).details?.ready
      return serde.deserialize(bytes, { topic, isKey: false })
    }
  }
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      last.set(String(key), await read(value as Buffer))
      changed()
    }
  })
  const count = () => [...last.values()].reduce((sum, { orders: each }) => sum + each, 0)
  const reach = (orderCount: number) =>
    new Promise<void>((resolve, reject) => {
      const late = () =>
        reject(new Error(`After ${READ_TIMEOUT_MS / 1000} s ${count()} of ${orderCount} orders are counted.`))
      const timer = setTimeout(late, READ_TIMEOUT_MS)
      changed = () => {
        if (count() < orderCount) return
        clearTimeout(timer)
        resolve()
      }
      changed()
    })
  return { last, reach }
}

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-avro-orders-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  return dir
}
