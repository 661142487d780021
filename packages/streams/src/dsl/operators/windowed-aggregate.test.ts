import { expect, test } from 'vitest'
import { hopping, json, type TimeWindows, tumbling, type Windowed } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

const lists = (windows: TimeWindows) => (builder: StreamsBuilder) => {
  builder
    .stream('in', TEXT)
    .groupByKey()
    .windowedBy(windows)
    .aggregate(
      (): number[] => [],
      (_key, value, list) => [...list, value],
      { value: json<number[]>() }
    )
    .toStream()
    .map(({ key, startMs, endMs }: Windowed<string>, list) => [`${key}:${startMs}-${endMs}`, list])
    .to('out', TEXT)
}

test('puts each record into its tumbling window, per key', async () => {
  const outputs = await run(lists(tumbling(10)), ['a=1@0', 'a=2@9', 'b=3@9', 'a=4@10'])
  expect(outputs).toEqual(['a:0-10=[1]@0', 'a:0-10=[1,2]@9', 'b:0-10=[3]@9', 'a:10-20=[4]@10'])
})

test('puts each record into all hopping windows that hold it, by ascending start, none below 0', async () => {
  const outputs = await run(lists(hopping(10, { advance: 4 })), ['a=1@9'])
  expect(outputs).toEqual(['a:0-10=[1]@9', 'a:4-14=[1]@9', 'a:8-18=[1]@9'])
})

test('drops late records, but not from windows that are still open', async () => {
  const outputs = await run(lists(hopping(10, { advance: 5, grace: 2 })), ['a=1@12', 'a=2@7'])
  expect(outputs).toEqual(['a:5-15=[1]@12', 'a:10-20=[1]@12', 'a:5-15=[1,2]@12'])
})

test('measures lateness by the time of all keys, and not by records without a key', async () => {
  expect(await run(lists(tumbling(10)), ['=1@100', 'a=1@5', 'b=1@10', 'a=2@6'])).toEqual([
    'a:0-10=[1]@5',
    'b:10-20=[1]@10'
  ])
})

test('gives null values to the aggregator', async () => {
  expect(await run(lists(tumbling(10)), ['a=@5'])).toEqual(['a:0-10=[null]@5'])
})

test('refuses a retention below size + grace, naming the store', () => {
  const windowed = new StreamsBuilder()
    .stream('in', TEXT)
    .groupByKey()
    .windowedBy(tumbling(10, { grace: 5 }))
  expect(() => windowed.count({ store: 'w', retention: 14 })).toThrow(/Store 'w' keeps windows for 14 ms.* need 15/)
})
