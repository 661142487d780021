import { expect, test } from 'vitest'
import { int64, string } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('reads several topics, and all that match a pattern as a whole', async () => {
  const records = ['in>a=1@1', 'other>b=2@2']
  expect(await run(builder => builder.stream(['in', 'other'], TEXT).to('out'), records)).toEqual(['a=1@1', 'b=2@2'])
  expect(await run(builder => builder.stream(/in|other/, TEXT).to('out'), records)).toEqual(['a=1@1', 'b=2@2'])
})

test('does not read topics whose names only contain the pattern', () => {
  const builder = new StreamsBuilder()
  builder.stream(/clicks/g, TEXT)
  const pattern = builder.build().subTopologies[0]?.sourcePatterns[0] as RegExp
  expect(['clicks', 'clicks', 'clicks-by-page', 'all-clicks'].map(topic => pattern.test(topic))).toEqual([
    true,
    true,
    false,
    false
  ])
})

test('reads a topic once that is listed twice', () => {
  const builder = new StreamsBuilder()
  builder.stream(['in', 'other', 'in'], TEXT)
  expect(builder.build().subTopologies[0]?.nodes[0]).toMatchObject({ topics: ['in', 'other'] })
})

test('refuses a topic that is read with different timestamp extractors', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to('x')
  builder.stream('in', { ...TEXT, timestampExtractor: () => 5 }).to('y')
  expect(() => builder.build()).toThrow(/different timestamp extractors/)
})

test('takes the time from an extractor, and drops records with a negative one', async () => {
  const timestampExtractor = (record: { readonly value: any }) => record.value.t
  const outputs = await run(
    builder => builder.stream('in', { ...TEXT, timestampExtractor }).to('out'),
    ['a={"t":7}@1', 'b={"t":-1}@2']
  )
  expect(outputs).toEqual(['a={"t":7}@7'])
})

test('shares one source between streams of the same topic', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to('x')
  builder.stream('in', TEXT).to('y')
  expect(builder.build().subTopologies).toHaveLength(1)
})

test('refuses a topic that is read with different serdes, naming both nodes', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', { key: string(), value: string() }).to('x')
  builder.stream('in', { key: string(), value: int64() }).to('y')
  expect(() => builder.build()).toThrow(
    /'KSTREAM-SOURCE-0000000000' and 'KSTREAM-SOURCE-0000000002' with different value/
  )
})

test('refuses topics that overlap without being equal', () => {
  const builder = new StreamsBuilder()
  builder.stream(['a', 'b'], TEXT).to('x')
  builder.stream('b', TEXT).to('y')
  expect(() => builder.build()).toThrow(expect.objectContaining({ code: 'TOPOLOGY_TOPIC_CONFLICT' }))
})

test('refuses a missing serde, an empty list and no options, naming what to pass', () => {
  const builder = new StreamsBuilder()
  expect(() => builder.stream('in', { key: string() } as never)).toThrow(/needs a serde for the value/)
  expect(() => builder.stream('in', { ...TEXT, key: null } as never)).toThrow(
    /takes as 'key' a serde, for example json\(\); not null/
  )
  expect(() => builder.stream([], TEXT)).toThrow(/needs a topic/)
  expect(() => builder.stream('in', undefined as never)).toThrow(/takes an object of options/)
})
