// Fetched memory is freed as soon as it was read: what an application keeps of it must be its own.
import { json, Millrace, type Serde, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

/** As anybody would write it who has raw bytes. */
const raw: Serde<Uint8Array> = { name: 'raw', serialize: value => value, deserialize: bytes => bytes }
const KEYS = 50
const ROUNDS = 40

test('values of a serde that returns the bytes it is given, and headers, stay what they were', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'json', 'out', 'kept')
  const records = Array.from({ length: KEYS * ROUNDS }, (_, i) => ({
    key: `k${i % KEYS}`,
    value: JSON.stringify({ i, text: 'x'.repeat(100) }),
    headers: { number: String(i) }
  }))
  for (let from = 0; from < records.length; from += 200) {
    for (const topic of ['in', 'json']) await cluster.produce(topic, records.slice(from, from + 200))
  }

  const builder = new StreamsBuilder()
  const kept: { value: Uint8Array; header: Uint8Array | null | undefined }[] = []
  const input = builder.stream(cluster.name('in'), { key: string(), value: raw })
  input.process(() => ({
    process: ({ value, headers }) => void kept.push({ value, header: headers.find(([name]) => name === 'number')?.[1] })
  }))
  input
    .groupByKey()
    .reduce((_, latest) => latest, { store: 'latest', value: raw })
    .toStream()
    .to(cluster.name('out'), { key: string(), value: raw })
  builder
    .stream(cluster.name('json'), { key: string(), value: json<{ i: number }>({ readonly: true }) })
    .filter((_, { i }) => i % 2 === 0)
    .to(cluster.name('kept'))
  // The cache holds rows until the end.
  const app = new Millrace(builder.build(), { ...cluster.options, commitIntervalMs: 60_000 })
  await app.run({ until: 'end' })

  expect(kept.map(({ value }) => Buffer.from(value).toString())).toEqual(records.map(({ value }) => value))
  expect(kept.map(({ header }) => Buffer.from(header ?? []).toString())).toEqual(records.map((_, i) => String(i)))
  const out = new Map((await cluster.read('out')).map(({ key, value }) => [key, value]))
  expect(out).toEqual(new Map(records.slice(-KEYS).map(({ key, value }) => [key, value])))
  expect((await cluster.read('kept')).map(({ value }) => value)).toEqual(
    records.filter((_, i) => i % 2 === 0).map(({ value }) => value)
  )
})
