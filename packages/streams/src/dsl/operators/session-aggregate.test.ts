import { expect, test } from 'vitest'
import { json, type SessionWindows, session, string } from '../../core/index.ts'
import { type Topology } from '../../topology/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'
import { windowText } from '../test-support/windowed-lists.ts'

const lists =
  (windows: SessionWindows, caching = true) =>
  (builder: StreamsBuilder): void => {
    builder
      .stream('in', TEXT)
      .groupByKey()
      .windowedBy(windows)
      .aggregate(
        (): number[] => [],
        (_key, value, list) => [...list, value],
        (_key, one, other) => [...one, ...other],
        { value: json<number[]>(), caching }
      )
      .toStream(windowText)
      .to('out', TEXT)
  }

test('a record within the gap makes a session longer; the old one is deleted first', async () => {
  expect(await run(lists(session(10)), ['a=1@0', 'a=2@10', 'b=3@10', 'a=4@21'])).toEqual([
    'a:0-0=[1]@0',
    'a:0-0=@0',
    'a:0-10=[1,2]@10',
    'b:10-10=[3]@10',
    'a:21-21=[4]@21'
  ])
})

test('a record between two sessions joins them, by ascending end, and is added last', async () => {
  expect(await run(lists(session(10, { grace: 100 })), ['a=1@0', 'a=2@20', 'a=3@10'])).toEqual([
    'a:0-0=[1]@0',
    'a:20-20=[2]@20',
    'a:0-0=@0',
    'a:20-20=@20',
    'a:0-20=[1,2,3]@20'
  ])
})

test('a session of one instant is replaced without a deletion', async () => {
  expect(await run(lists(session(10)), ['a=1@5', 'a=2@5'])).toEqual(['a:5-5=[1]@5', 'a:5-5=[1,2]@5'])
})

test('the aggregator gets null values; null keys are dropped and advance no time', async () => {
  expect(await run(lists(session(10)), ['=1@100', 'a=@5'])).toEqual(['a:5-5=[null]@5'])
})

test('drops a record whose session ended before stream time - gap - grace', async () => {
  expect(await run(lists(session(10, { grace: 5 })), ['a=1@100', 'b=2@85', 'b=3@84'])).toEqual([
    'a:100-100=[1]@100',
    'b:85-85=[2]@85'
  ])
})

test('forwards an update that the store takes no more, also with a cache', async () => {
  const records = ['a=1@100', 'b=2@85']
  const plain = await run(lists(session(10, { grace: 5 })), records)
  const cached = await run(lists(session(10, { grace: 5 })), records, { cacheBytes: 100_000 })
  expect(cached.sort()).toEqual(plain.sort())
})

test('counts, and reduces with the reducer as merger', async () => {
  const build = (builder: StreamsBuilder) => {
    const windowed = builder
      .stream('in', TEXT)
      .groupByKey()
      .windowedBy(session(10, { grace: 100 }))
    windowed.count().toStream(windowText).to('out', TEXT)
    windowed
      .reduce((a, b) => a * b)
      .toStream(windowText)
      .to('out', TEXT)
  }
  const outputs = await run(build, ['a=2@0', 'a=3@20', 'a=5@10'])
  expect(outputs.slice(-2)).toEqual(['a:20-20=@20', 'a:0-20=30@20'])
  expect(outputs).toContain('a:0-20=3@20')
})

test('keys are written with their bounds, and partitioned by the key inside', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).groupByKey().windowedBy(session(10)).count({ store: 's' }).toStream().to('out')
  const topology: Topology = builder.build()
  const sink = topology.subTopologies[0]?.nodes.find(node => node.kind === 'sink')
  expect(sink?.key.name).toBe(`session-key(${string().name})`)
  expect(sink?.partitioner).toBeTypeOf('function')
})

test('refuses a retention below gap + grace, naming the store', () => {
  const windowed = new StreamsBuilder()
    .stream('in', TEXT)
    .groupByKey()
    .windowedBy(session(10, { grace: 5 }))
  expect(() => windowed.count({ store: 's', retention: 14 })).toThrow(/Store 's' keeps windows for 14 ms.* need 15/)
})
