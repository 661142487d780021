import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import type { ReadOnlyKeyValueStore, TimestampedKeyValueStore, ValueAndTimestamp } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'

type Rows = ReadOnlyKeyValueStore<string, ValueAndTimestamp<number>>

async function rowsOf(driver: TopologyTestDriver, store: string): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const { key, value } of driver.store<Rows>(store).all()) rows.push([key, value.value, value.timestampMs])
  return rows
}

test('holds the last value of each key; null deletes, null keys are dropped', async () => {
  const builder = new StreamsBuilder()
  builder.globalTable('rows', { ...TEXT, store: 'rows' })
  builder.stream('in', TEXT).to('out', TEXT)
  await using driver = await TopologyTestDriver.open(builder.build())
  for (const record of ['rows>a=1@5', 'rows>b=2@6', 'rows>=3@7', 'rows>a=4@3', 'rows>b=@8']) pipe(driver, record)
  expect(await rowsOf(driver, 'rows')).toEqual([['a', 4, 3]])
})

test('does not move the stream time of those who read it', async () => {
  const builder = new StreamsBuilder()
  builder.globalTable('rows', { ...TEXT, store: 'rows' })
  const times: number[] = []
  builder.stream('in', TEXT).process(() => ({
    init(context) {
      this.process = () => void times.push(context.streamTimeMs())
    },
    process() {}
  }))
  await using driver = await TopologyTestDriver.open(builder.build())
  for (const record of ['a=1@5', 'rows>a=1@1000', 'a=1@6']) pipe(driver, record)
  expect(times).toEqual([5, 6])
})

test('can be read by every processor, and changed by none', async () => {
  const builder = new StreamsBuilder()
  builder.globalTable('rows', { ...TEXT, store: 'rows' })
  builder
    .stream('in', TEXT)
    .process<string, unknown>(() => {
      let step: (record: any) => void
      return {
        init(context) {
          const rows = context.getStateStore<TimestampedKeyValueStore<string, number>>('rows')
          step = record => {
            if (record.value === 'put') rows.put(record.key, 1, 0, [])
            else context.forward({ ...record, value: rows.get(record.key)?.value ?? null })
          }
        },
        process: record => step(record)
      }
    })
    .to('out', TEXT)
  await using driver = await TopologyTestDriver.open(builder.build())
  for (const record of ['rows>a=7@1', 'a="get"@2']) pipe(driver, record)
  expect(read(driver)).toEqual(['a=7@2'])
  expect(() => pipe(driver, 'a="put"@3')).toThrow(/global store 'rows' can only be read.*STORE_READ_ONLY/)
})

test('sees what the topology itself writes to its topic, before the next record', async () => {
  const outputs = await run(
    builder => {
      const rows = builder.globalTable('rows', { ...TEXT, store: 'rows' })
      // Both records wait in the repartition topic when the first is processed.
      const stream = builder
        .stream('in', TEXT)
        .flatMapValues(value => [value, value + 1])
        .repartition(TEXT)
      stream
        .leftJoin(
          rows,
          key => key,
          (value, row) => value + (row ?? 0)
        )
        .to('rows', TEXT)
      stream
        .leftJoin(
          rows,
          key => key,
          (_value, row) => row
        )
        .to('out', TEXT)
    },
    ['a=1@1', 'a=5@2']
  )
  expect(outputs).toEqual(['a=@1', 'a=1@1', 'a=3@2', 'a=8@2'])
})

test('is a sub-topology without tasks', () => {
  const builder = new StreamsBuilder()
  builder.globalTable('rows', TEXT)
  builder.stream('in', TEXT).to('out', TEXT)
  const { subTopologies, globalSubTopologies } = builder.build()
  expect(subTopologies.map(sub => [sub.id, sub.sourceTopics])).toEqual([[1, ['in']]])
  expect(globalSubTopologies.map(sub => [sub.id, sub.sourceTopics])).toEqual([[0, ['rows']]])
  expect(globalSubTopologies[0]?.stores[0]).toMatchObject({ changelog: undefined, caching: false })
})

test('has a handle for queries only under a name', () => {
  const builder = new StreamsBuilder()
  expect(builder.globalTable('a', { ...TEXT, store: 'rows' }).queryableStore).toEqual({
    name: 'rows',
    kind: 'timestamped-key-value'
  })
  expect(() => builder.globalTable('b', { ...TEXT, name: 'other' }).queryableStore).toThrow(/node 'other' has no store/)
})

test('refuses a topic that is read elsewhere, and options it does not have', () => {
  const builder = new StreamsBuilder()
  builder.globalTable('rows', TEXT)
  builder.stream('rows', TEXT)
  expect(() => builder.build()).toThrow(/Topic 'rows' is read by/)
  expect(() => builder.globalTable('x', { ...TEXT, caching: true } as never)).toThrow(/no option 'caching'/)
})
