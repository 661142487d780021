import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { TEXT } from '../test-support/run-topology.ts'

test('needs no repartition topic while the key is as it was read', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).groupByKey().count()
  expect(builder.build().subTopologies).toHaveLength(1)
})

test('shares a repartition topic that was given a name', () => {
  const builder = new StreamsBuilder()
  const grouped = builder
    .stream('in', TEXT)
    .selectKey(key => key)
    .groupByKey({ ...TEXT, name: 'by-key' })
  grouped.count()
  grouped.reduce(a => a)
  const [, reader] = builder.build().subTopologies
  expect(reader?.repartitionSources.map(({ suffix }) => suffix)).toEqual(['by-key-repartition'])
  expect(reader?.stores).toHaveLength(2)
})

test('says which serde is missing for the repartition topic, and where to give it', () => {
  const grouped = new StreamsBuilder()
    .stream('in', TEXT)
    .mapValues(value => value)
    .selectKey(key => key)
    .groupByKey()
  expect(() => grouped.count({ key: TEXT.key })).toThrow(/needs a serde for the key.*groupBy\(\) or groupByKey\(\)/)
})
