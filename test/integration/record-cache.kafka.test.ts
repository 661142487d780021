// The record cache changes how often, and never what: whatever the commits, the last output of each key and the final rows are those of a
// plain recomputation. Subtractions and additions of re-grouped tables cancel out.
import {
  int64,
  json,
  Millrace,
  type ReadOnlyKeyValueStore,
  StreamsBuilder,
  string,
  tumbling,
  type ValueAndTimestamp
} from 'millrace'
import { expect, test } from 'vitest'
import { seededRandom } from '../chaos/random.ts'
import { TestCluster } from './test-cluster.ts'

const texts = { key: string(), value: json<number>() }
const WINDOW_MS = 1_000
const OUTPUTS = ['counted', 'reduced', 'aggregated', 'windowed', 'sizes', 'totals'] as const
type Output = (typeof OUTPUTS)[number]

interface Sent {
  readonly key: string
  readonly value: number | null
  readonly timestampMs: number
}

function topology(cluster: TestCluster) {
  const builder = new StreamsBuilder()
  const grouped = builder.stream(cluster.name('in'), texts).groupByKey()
  const out = (name: Output) => cluster.name(name)
  grouped.count({ store: 'counted' }).toStream().to(out('counted'), { key: string(), value: int64() })
  grouped
    .reduce((sum, value) => sum + value, { store: 'reduced' })
    .toStream()
    .to(out('reduced'), texts)
  grouped
    .aggregate(
      () => 0,
      (_key, value, aggregate) => aggregate * 31 + value,
      { store: 'aggregated', value: json<number>() }
    )
    .mapValues(value => value % 1_000_003)
    .toStream()
    .to(out('aggregated'), texts)
  grouped
    .windowedBy(tumbling(WINDOW_MS, { grace: '1d' }))
    .count({ store: 'windowed' })
    .toStream()
    .map((window, count) => [`${window.key}@${window.startMs}`, count])
    .to(out('windowed'), texts)

  const byDigit = builder.table(cluster.name('rows'), texts).groupBy((_key, value) => [`d${value % 10}`, value], texts)
  byDigit.count({ store: 'sizes' }).toStream().to(out('sizes'), { key: string(), value: int64() })
  byDigit
    .aggregate(
      () => 0,
      (_key, value, total) => total + value,
      (_key, value, total) => total - value,
      { store: 'totals', value: json<number>() }
    )
    .toStream()
    .to(out('totals'), texts)
  return builder.build()
}

function recomputed(stream: readonly Sent[], rows: readonly Sent[]): Record<Output, Map<string, number>> {
  const result = Object.fromEntries(OUTPUTS.map(name => [name, new Map()])) as Record<Output, Map<string, number>>
  const add = (name: Output, key: string, by: number) => result[name].set(key, (result[name].get(key) ?? 0) + by)
  const aggregates = new Map<string, number>()
  for (const { key, value, timestampMs } of stream) {
    if (value === null) continue
    add('counted', key, 1)
    add('reduced', key, value)
    aggregates.set(key, (aggregates.get(key) ?? 0) * 31 + value)
    add('windowed', `${key}@${timestampMs - (timestampMs % WINDOW_MS)}`, 1)
  }
  for (const [key, value] of aggregates) result.aggregated.set(key, value % 1_000_003)
  const table = new Map<string, number>()
  for (const { key, value } of rows) {
    // A group that was emptied stays, with nothing in it.
    if (value === null) table.delete(key)
    else table.set(key, value)
    if (value !== null) for (const name of ['sizes', 'totals'] as const) add(name, `d${value % 10}`, 0)
  }
  for (const value of table.values()) {
    add('sizes', `d${value % 10}`, 1)
    add('totals', `d${value % 10}`, value)
  }
  return result
}

function randomRecords(random: () => number, count: number, keys: number, nullEvery: number): Sent[] {
  return Array.from({ length: count }, () => ({
    key: `k${Math.floor(random() * keys)}`,
    value: random() < 1 / nullEvery ? null : Math.floor(random() * 100),
    timestampMs: Math.floor(random() * 5 * WINDOW_MS)
  }))
}

test.each([
  { cacheBytes: 0, seed: 1 },
  { cacheBytes: 10 * 1024 * 1024, seed: 1 },
  { cacheBytes: 10 * 1024 * 1024, seed: 2 },
  // Evicts all the time.
  { cacheBytes: 2_000, seed: 3 }
])('a cache of $cacheBytes bytes with commits at random, seed $seed', async ({ cacheBytes, seed }) => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(2, 'in', 'rows', ...OUTPUTS)
  const random = seededRandom(seed)
  const all: { stream: Sent[]; rows: Sent[] } = { stream: [], rows: [] }
  for (let run = 0; run < 3; run++) {
    const app = new Millrace(topology(cluster), {
      ...cluster.options,
      processingGuarantee: 'exactly_once',
      cacheBytes,
      commitIntervalMs: 1 + Math.floor(random() * 30)
    })
    await app.start()
    for (let batch = 0; batch < 4; batch++) {
      const stream = randomRecords(random, 1 + Math.floor(random() * 200), 20, 1_000)
      const rows = randomRecords(random, 1 + Math.floor(random() * 200), 20, 5)
      all.stream.push(...stream)
      all.rows.push(...rows)
      const messages = (sent: Sent[]) =>
        sent.map(({ key, value, timestampMs }) => ({
          key,
          value: value === null ? null : String(value),
          timestamp: String(timestampMs)
        }))
      await Promise.all([cluster.produce('in', messages(stream)), cluster.produce('rows', messages(rows))])
    }
    await app.close()
  }
  const last = new Millrace(topology(cluster), { ...cluster.options, processingGuarantee: 'exactly_once', cacheBytes })
  await last.run({ until: 'end' })

  const expected = recomputed(all.stream, all.rows)
  for (const name of OUTPUTS) {
    const seen = new Map<string, number>()
    for (const { key, value } of await cluster.readRaw(name)) {
      const bytes = value as Buffer
      const isLong = name === 'counted' || name === 'sizes'
      seen.set(String(key), isLong ? Number(bytes.readBigInt64BE()) : Number(bytes.toString()))
    }
    expect([name, seen]).toEqual([name, expected[name]])
  }
  const again = new Millrace(topology(cluster), { ...cluster.options, stateDir: await cluster.newStateDir() })
  await again.start()
  for (const name of ['counted', 'reduced', 'totals'] as const) {
    const rows = new Map<string, number>()
    for await (const { key, value } of again
      .store<ReadOnlyKeyValueStore<string, ValueAndTimestamp<number>>>(name)
      .all()) {
      rows.set(key, value.value)
    }
    expect([name, rows]).toEqual([name, expected[name]])
  }
  await again.close()
})
