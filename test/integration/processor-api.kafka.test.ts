// Processors of one's own on a real broker: their stores and both kinds of punctuation across a restart, on the disk and without it.
import { json, keyValueStore, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import type { KeyValueStore, Processor, ProcessorContext, StreamRecord } from '@millrace/streams/core'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

/** A loaded broker and a rebalance take their time. */
const expectSoon = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 })

const numbers = { key: string(), value: json<number>() }

/** Adds up per key; forwards all sums each 100 ms of event time, and a beat each 50 ms of wall-clock time. */
class Summing implements Processor<string, number, string, number> {
  #context!: ProcessorContext<string, number>
  #sums!: KeyValueStore<string, number>

  init(context: ProcessorContext<string, number>): void {
    this.#context = context
    this.#sums = context.getStateStore('sums')
    context.schedule(100, 'stream-time', async timestampMs => {
      for await (const { key, value } of this.#sums.all()) context.forward({ key, value, timestampMs, headers: [] })
    })
    context.schedule(50, 'wall-clock', timestampMs =>
      context.forward({ key: 'beat', value: 0, timestampMs, headers: [] }, 'beats')
    )
  }

  process({ key, value }: StreamRecord<string, number>): void {
    this.#sums.put(key, (this.#sums.get(key) ?? 0) + value)
    if (this.#context.recordMetadata() === undefined) throw new Error('a record comes from somewhere')
  }
}

function application(cluster: TestCluster, options: Partial<MillraceOptions> = {}): Millrace {
  const builder = new StreamsBuilder()
  const summed = builder
    .stream(cluster.name('in'), numbers)
    .process(() => new Summing(), { stores: [keyValueStore('sums', numbers)] })
  summed.filter(key => key !== 'beat').to(cluster.name('out'), numbers)
  summed
    .peek(() => {}, { name: 'beats' })
    .filter(key => key === 'beat')
    .to(cluster.name('beats'), numbers)
  return new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    commitIntervalMs: 50,
    ...options
  })
}

// Of today: behind a record of 1970 the marker of its transaction begins a new segment, and the old one may be compacted at once.
const BASE_MS = Math.floor(Date.now() / 1000) * 1000
const record = (key: string, value: number, timestampMs: number) => ({
  key,
  value: String(value),
  timestamp: String(BASE_MS + timestampMs)
})
const sums = async (cluster: TestCluster) =>
  (await cluster.read('out')).map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs - BASE_MS}`)

test.each(['on the disk', 'restored from the changelog'])('sums and deadlines survive a restart, %s', async where => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out', 'beats')
  await cluster.produce('in', [record('a', 1, 1_000), record('a', 2, 1_050), record('b', 3, 1_100)])
  const first = application(cluster)
  await first.start()
  await expectSoon(() => sums(cluster)).toEqual(['a=1@1000', 'a=3@1100', 'b=3@1100'])
  await expectSoon(async () => (await cluster.read('beats')).length).toBeGreaterThan(1)
  await first.close()
  const before = (await cluster.read('beats')).length

  const changelog = await cluster.read('sums-changelog')
  expect(changelog.map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs - BASE_MS}`)).toEqual([
    'a=1@1000',
    'a=3@1050',
    'b=3@1100'
  ])

  const stateDir = where === 'on the disk' ? cluster.stateDir : await cluster.newStateDir()
  const second = application(cluster, { stateDir })
  await second.start()
  // The deadline of 1,100 has passed: nothing is forwarded again before 1,200.
  await cluster.produce('in', [record('a', 10, 1_150), record('b', 10, 1_200)])
  await expectSoon(() => sums(cluster)).toHaveLength(5)
  expect((await sums(cluster)).slice(3)).toEqual(['a=13@1200', 'b=13@1200'])
  await expectSoon(async () => (await cluster.read('beats')).length).toBeGreaterThan(before + 1)
  await second.close()
})
