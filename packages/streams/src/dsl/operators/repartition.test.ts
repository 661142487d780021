import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('passes records through a topic of its own and drops null keys', async () => {
  expect(await run(builder => builder.stream('in', TEXT).repartition().to('out'), ['a=1@1', '=2@2'])).toEqual(['a=1@1'])
})

test('names the topic and fixes its partition count', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).repartition({ name: 'spread', partitionCount: 12 }).to('out')
  expect(builder.build().subTopologies[1]?.repartitionSources).toEqual([
    { suffix: 'spread-repartition', partitionCount: 12 }
  ])
})

test('refuses a partition count of 0', () => {
  const stream = new StreamsBuilder().stream('in', TEXT)
  expect(() => stream.repartition({ partitionCount: 0 })).toThrow(/partitionCount above 0/)
})
