import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import type { TimestampedKeyValueStore } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, TEXT } from '../test-support/run-topology.ts'

test('counts into the store that it was given', async () => {
  const builder = new StreamsBuilder()
  const counts = builder.stream('in', TEXT).groupByKey().count({ store: 'counts' })
  await using driver = await TopologyTestDriver.open(builder.build())
  for (const record of ['a=1@1', 'a=@2', '=1@3', 'a=1@4']) pipe(driver, record)
  const store = driver.store<TimestampedKeyValueStore<string, number>>(counts.queryableStore.name)
  expect(store.get('a')).toEqual({ value: 2, timestampMs: 4 })
})

test('says that a table without a store name cannot be queried', () => {
  const counts = new StreamsBuilder().stream('in', TEXT).groupByKey().count()
  expect(() => counts.queryableStore).toThrow(/'KSTREAM-AGGREGATE-0000000002' has no store that can be queried/)
})

test('refuses a store name that is taken, naming both nodes', () => {
  const builder = new StreamsBuilder()
  const grouped = builder.stream('in', TEXT).groupByKey()
  grouped.count({ store: 'totals', name: 'first' })
  grouped.count({ store: 'totals', name: 'second' })
  expect(() => builder.build()).toThrow(/Store 'totals' is declared twice, by 'first' and 'second'/)
})

test('refuses a node name that is taken', () => {
  const builder = new StreamsBuilder()
  const grouped = builder.stream('in', TEXT).groupByKey()
  grouped.count({ name: 'same' })
  grouped.count({ name: 'same' })
  expect(() => builder.build()).toThrow(expect.objectContaining({ code: 'TOPOLOGY_DUPLICATE_NAME' }))
})

test('passes the store options on', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).groupByKey().count({ store: 'a', caching: false, changelog: false, persistent: false })
  builder
    .stream('in', TEXT)
    .groupByKey()
    .count({ store: 'b', changelog: { 'cleanup.policy': 'compact' } })
  const [a, b] = builder.build().subTopologies[0]?.stores ?? []
  expect(a).toMatchObject({ caching: false, changelog: undefined, persistent: false })
  expect(b).toMatchObject({
    caching: true,
    changelog: { topicConfig: { 'cleanup.policy': 'compact' } },
    persistent: true
  })
})
