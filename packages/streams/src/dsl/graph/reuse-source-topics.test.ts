import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import type { Processor, ProcessorContext, StreamRecord, TimestampedKeyValueStore } from '../../core/index.ts'
import { TopologyBuilder, timestampedKeyValueStore } from '../../topology/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, TEXT } from '../test-support/run-topology.ts'

function changelogs(optimization: 'none' | 'all') {
  const builder = new StreamsBuilder()
  builder.table('a', { ...TEXT, store: 'a' })
  builder.table('b', { ...TEXT, store: 'b', changelog: false })
  builder.table('c', { ...TEXT, store: 'c', timestampExtractor: () => 0 })
  builder.stream('d', TEXT).toTable({ store: 'd' })
  const { subTopologies } = builder.build({ optimization })
  return Object.fromEntries(
    subTopologies.flatMap(sub => sub.stores.map(({ name, changelog }) => [name, changelog && changelog.sourceTopic]))
  )
}

test('lets the topic of a table be its changelog, unless it has none or times of its own', () => {
  const own = { a: undefined, b: undefined, c: undefined, d: undefined }
  expect(changelogs('none')).toEqual(own)
  expect(changelogs('all')).toEqual({ ...own, a: 'a' })
})

test('restores from the topic what the source let in: nothing that it could not read', async () => {
  const builder = new StreamsBuilder()
  builder.table('in', { ...TEXT, store: 'table' })
  await using driver = await TopologyTestDriver.open(builder.build({ optimization: 'all' }), {
    handlers: { onDeserializationError: 'continue' }
  })
  pipe(driver, 'a=1@5')
  pipe(driver, 'b=2@6')
  driver.inputTopic('in', TEXT).pipeBytes(Buffer.from('a'), Buffer.from('{"a'), 7)
  pipe(driver, 'b=@8')
  await driver.restart({ disk: 'lost' })
  const table = driver.store<TimestampedKeyValueStore<string, number>>('table')
  expect([table.get('a'), table.get('b')]).toEqual([{ value: 1, timestampMs: 5 }, undefined])
})

test('restores at the times that the source gave, where a topology made by hand has it so', async () => {
  const store = timestampedKeyValueStore('table', { ...TEXT, changelog: true })
  const topology = new TopologyBuilder()
    .addSource('source', {
      ...TEXT,
      topics: 'in',
      timestampExtractor: (_record, partitionTimeMs) => partitionTimeMs + 10
    })
    .addProcessor('keep', () => new Keeping(), ['source'])
    .addStateStore(store, ['keep'])
    .connectSourceStoreAndTopic('table', 'in')
    .build()
  await using driver = await TopologyTestDriver.open(topology)
  pipe(driver, 'a=1@100')
  pipe(driver, 'b=2@200')
  await driver.restart({ disk: 'lost' })
  const table = driver.store<TimestampedKeyValueStore<string, number>>('table')
  expect([table.get('a')?.timestampMs, table.get('b')?.timestampMs]).toEqual([9, 19])
})

class Keeping implements Processor<string | null, unknown, never, never> {
  #table!: TimestampedKeyValueStore<unknown, unknown>

  init(context: ProcessorContext<never, never>): void {
    this.#table = context.getStateStore('table')
  }

  process({ key, value, timestampMs, headers }: StreamRecord<string | null, unknown>): void {
    this.#table.put(key, value, timestampMs, headers)
  }
}
