// Avro where serdes are called within a topology, with a registry in this process: nothing is asked while records are processed.
import { type AvroSchema, registryAvro, schemaRegistry } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { Millrace, StreamsBuilder, string, type Topology } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestCluster } from '../integration/test-cluster.ts'

const CITY_KEY = { type: 'record', name: 'CityKey', fields: [{ name: 'name', type: 'string' }] } as const

const CITY = { type: 'record', name: 'City', fields: [{ name: 'country', type: 'string' }] } as const

const PERSON_V1 = {
  type: 'record',
  name: 'Person',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'city', type: CITY_KEY }
  ]
} as const

const PERSON_V2 = {
  ...PERSON_V1,
  fields: [...PERSON_V1.fields, { name: 'title', type: 'string', default: '' }]
} as const

let cluster: TestCluster
let server: MemoryRegistry
let warnings: string[]
beforeEach(async () => {
  cluster = await TestCluster.open()
  server = await MemoryRegistry.start()
  warnings = []
})
afterEach(async () => {
  await server.close()
  await cluster.close()
})

/** Of an application of its own: it knows nothing beforehand. */
function serdes() {
  const registry = schemaRegistry({ url: server.url })
  return <const S extends AvroSchema>(schema: S) => registryAvro({ registry, schema })
}

async function produce(topic: string, schema: AvroSchema, records: readonly [Uint8Array | string, object | null][]) {
  const serde = registryAvro<object>({ url: server.url, schema })
  const context = { topic: cluster.name(topic), isKey: false }
  await serde.prepare?.(context, 'write')
  const bytesOf = (value: object | null) => (value === null ? null : Buffer.from(serde.serialize(value, context)))
  await cluster.produce(
    topic,
    records.map(([key, value]) => ({ key: key as string, value: bytesOf(value) }))
  )
}

const run = async (topology: Topology) =>
  await new Millrace(topology, {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    logger: { debug() {}, info() {}, warn: text => void warnings.push(text), error: text => void warnings.push(text) }
  }).run({ until: 'end' })

const results = async () => (await cluster.read('out')).map(({ key, value }) => `${key}: ${value}`)

test('a foreign-key join goes on from what an earlier schema of its rows has stored, without going back', async () => {
  await cluster.createTopics(2, 'people', 'cities', 'out')
  const joined = (person: typeof PERSON_V1 | typeof PERSON_V2) => {
    const of = serdes()
    const builder = new StreamsBuilder()
    const cities = builder.table(cluster.name('cities'), { key: of(CITY_KEY), value: of(CITY), store: 'cities' })
    builder
      .table(cluster.name('people'), { key: string(), value: of(person), store: 'people' })
      .join(
        cities,
        (_key, { city }) => city,
        ({ name }, { country }) => `${name} in ${country}`,
        // Rows are told apart by their bytes: by those of a schema that stays.
        { name: 'where', thisValue: of(PERSON_V1) }
      )
      .toStream()
      .to(cluster.name('out'), { value: string() })
    return builder.build()
  }
  const key = registryAvro({ url: server.url, schema: CITY_KEY })
  await key.prepare?.({ topic: cluster.name('cities'), isKey: true }, 'write')
  const city = (name: string) => Buffer.from(key.serialize({ name }, { topic: cluster.name('cities'), isKey: true }))
  const lives = (name: string, place: string) => ({ name, city: { name: place } })

  await produce('cities', CITY, [[city('Graz'), { country: 'AT' }]])
  await produce('people', PERSON_V1, [
    ['a', lives('Ann', 'Graz')],
    ['b', lives('Ben', 'Bern')],
    ['c', lives('Cleo', 'Graz')]
  ])
  await run(joined(PERSON_V1))
  expect((await results()).sort()).toEqual(['a: Ann in AT', 'c: Cleo in AT'])

  // Rows of both schemas are looked for by both sides.
  await produce('people', PERSON_V2, [['c', { ...lives('Cleo', 'Bern'), title: 'Dr' }]])
  await produce('cities', CITY, [
    [city('Bern'), { country: 'CH' }],
    [city('Graz'), { country: 'Austria' }]
  ])
  await run(joined(PERSON_V2))
  const last = new Map((await results()).map(text => text.split(': ') as [string, string]))
  expect(Object.fromEntries(last)).toEqual({ a: 'Ann in Austria', b: 'Ben in CH', c: 'Cleo in CH' })
  expect(warnings.filter(text => text.includes('going back'))).toEqual([])
})

test('topics whose names are computed are registered on the way, and nothing is processed twice', async () => {
  await cluster.createTopics(2, 'people', 'out', 'Graz', 'Bern')
  const of = serdes()
  const builder = new StreamsBuilder()
  let processed = 0
  builder
    .stream(cluster.name('people'), { key: string(), value: of(PERSON_V1) })
    .peek(() => void processed++)
    .to((_key, { city }) => cluster.name(city.name), { key: string(), value: of(PERSON_V1) })
  const people = Array.from({ length: 200 }, (_, index): [string, object] => [
    `k${index}`,
    { name: `n${index}`, city: { name: index % 2 === 0 ? 'Graz' : 'Bern' } }
  ])
  await produce('people', PERSON_V1, people)
  await run(builder.build())
  expect(processed).toBe(200)
  expect(warnings.filter(text => text.includes('going back'))).toEqual([])
  for (const place of ['Graz', 'Bern']) {
    const value = registryAvro({ url: server.url, schema: PERSON_V1 })
    const context = { topic: cluster.name(place), isKey: false }
    await value.prepare?.(context, 'read')
    const names = (await cluster.readRaw(place)).map(
      record => value.deserialize(record.value as Buffer, context).city.name
    )
    expect(names).toEqual(Array.from({ length: 100 }, () => place))
    expect(server.requests).toContain(`POST /subjects/${cluster.name(place)}-value/versions`)
  }
})
