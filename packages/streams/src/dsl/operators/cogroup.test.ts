import { expect, test } from 'vitest'
import { json, session, sliding, tumbling } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'
import { windowText } from '../test-support/windowed-lists.ts'

const LIST = { value: json<string[]>() }

const both = (builder: StreamsBuilder) =>
  builder
    .stream('in', TEXT)
    .groupByKey()
    .cogroup((_key, value, list: string[]) => [...list, `in ${value}`])
    .cogroup(builder.stream('other', TEXT).groupByKey(), (_key, value, list) => [...list, `other ${value}`])

test('combines the values of several streams, each with its own aggregator', async () => {
  const outputs = await run(
    builder =>
      both(builder)
        .aggregate(() => [], LIST)
        .toStream()
        .to('out'),
    ['a=1@1', 'other>a=2@5', 'b=3@6', 'a=4@3', '=1@9', 'other>a=@9']
  )
  expect(outputs).toEqual(['a=["in 1"]@1', 'a=["in 1","other 2"]@5', 'b=["in 3"]@6', 'a=["in 1","other 2","in 4"]@5'])
})

test('forwards once per key with a record cache', async () => {
  const outputs = await run(
    builder =>
      both(builder)
        .aggregate(() => [], LIST)
        .toStream()
        .to('out'),
    ['a=1@1', 'other>a=2@5'],
    { cacheBytes: 100_000 }
  )
  expect(outputs).toEqual(['a=["in 1","other 2"]@5'])
})

test('in windows, what is late is judged by the time of each stream apart', async () => {
  const outputs = await run(
    builder =>
      both(builder)
        .windowedBy(tumbling(10, { grace: 5 }))
        .aggregate(() => [], LIST)
        .toStream(windowText)
        .to('out', TEXT),
    ['a=1@16', 'a=2@1', 'other>a=3@3']
  )
  expect(outputs).toEqual(['a:10-20=["in 1"]@16', 'a:0-10=["other 3"]@3'])
})

test('in sliding windows and sessions', async () => {
  const slides = await run(
    builder =>
      both(builder)
        .windowedBy(sliding(10))
        .aggregate(() => [], LIST)
        .toStream(windowText)
        .to('out', TEXT),
    ['a=1@20', 'other>a=2@20']
  )
  expect(slides).toEqual(['a:10-20=["in 1"]@20', 'a:10-20=["in 1","other 2"]@20'])
  const sessions = await run(
    builder =>
      both(builder)
        .windowedBy(session(10))
        .aggregate(
          () => [],
          (_key, one, other) => [...one, ...other],
          LIST
        )
        .toStream(windowText)
        .to('out', TEXT),
    ['a=1@0', 'other>a=2@5']
  )
  expect(sessions).toEqual(['a:0-0=["in 1"]@0', 'a:0-0=@0', 'a:0-5=["in 1","other 2"]@5'])
})

test('a stream that is added again gets the new aggregator and keeps its place', async () => {
  const outputs = await run(
    builder => {
      const grouped = builder.stream('in', TEXT).groupByKey()
      grouped
        .cogroup((_key, _value, sum: number) => sum)
        .cogroup(grouped, (_key, value, sum) => sum + value)
        .aggregate(() => 0, { value: json<number>() })
        .toStream()
        .to('out')
    },
    ['a=2@1']
  )
  expect(outputs).toEqual(['a=2@1'])
})

test('two unnamed repartition topics have one name, which is refused', () => {
  const build = (name: string | undefined) => {
    const builder = new StreamsBuilder()
    const byPage = (topic: string, groupName?: string) =>
      builder.stream(topic, TEXT).groupBy((_key, value) => String(value), { ...TEXT, name: groupName })
    byPage('in')
      .cogroup((_key, _value, count: number) => count + 1)
      .cogroup(byPage('other', name), (_key, _value, count) => count + 1)
      .aggregate(() => 0, { store: 'counts', value: json<number>() })
    return builder.build()
  }
  expect(() => build(undefined)).toThrow(/TOPOLOGY_DUPLICATE_NAME/)
  expect(build('named').subTopologies).toHaveLength(3)
})

test('refuses what is no function', () => {
  const grouped = new StreamsBuilder().stream('in', TEXT).groupByKey()
  expect(() => grouped.cogroup(5 as never)).toThrow(/cogroup\(\) takes a function as aggregator/)
  expect(() => grouped.cogroup(() => 0).aggregate(5 as never, { value: json<number>() })).toThrow(/as initializer/)
})
