// What nodes remember beside their stores stays with the stores when operators before them give all nodes other numbers.
import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { int64, string, tumbling, windowedKey } from '../../core/index.ts'
import { type KStream, StreamsBuilder } from '../../dsl/index.ts'
import type { Topology } from '../../topology/index.ts'

const TEXT = { key: string(), value: string() }
type Stream = KStream<string, string>

/** Counts windows of 10 s of `in` as they close, under a name; operators and stores may come before. */
function counting(before: (input: Stream) => Stream = input => input): Topology {
  const builder = new StreamsBuilder()
  before(builder.stream('in', TEXT))
    .groupByKey()
    .windowedBy(tumbling('10s'))
    .emitStrategy('onWindowClose')
    .count({ store: 'counts', retention: '1h' })
    .toStream()
    .to('out', { key: windowedKey(string()), value: int64() })
  return builder.build()
}

test.each([
  ['a filter', (input: Stream) => input.filter(() => true)],
  [
    'another aggregation, which gets the numbers of this one',
    (input: Stream) => {
      input.groupByKey().windowedBy(tumbling('1h')).count({ store: 'others' })
      return input
    }
  ]
])('behind %s, a window that was emitted is not emitted again', async (_what, before) => {
  await using driver = await TopologyTestDriver.open(counting())
  const input = driver.inputTopic('in', TEXT)
  const output = driver.outputTopic('out', { key: windowedKey(string(), { sizeMs: 10_000 }), value: int64() })
  input.pipe('a:x@1s a:x@12s')
  expect(output.readText()).toBe('a[0,10s):1@1s')
  await driver.restart({ topology: counting(before) })
  input.pipe('a:late@3s a:x@14s')
  expect(output.readText()).toBe('')
  input.pipe('a:x@21s')
  expect(output.readText()).toBe('a[10s,20s):2@14s')
})

test('aggregators that share a store keep their own times', async () => {
  const cogrouped = (isFiltered: boolean) => {
    const builder = new StreamsBuilder()
    const [a, b] = [builder.stream('a', TEXT), builder.stream('b', TEXT)]
    const add = (_key: string, _value: string, count: number) => count + 1
    const counts = { store: 'counts', value: int64(), retention: '1h' } as const
    ;(isFiltered ? a.filter(() => true) : a)
      .groupByKey()
      .cogroup<number>(add)
      .cogroup(b.groupByKey(), add)
      .windowedBy(tumbling('10s'))
      .aggregate(() => 0, counts)
    return builder.build()
  }
  await using driver = await TopologyTestDriver.open(cogrouped(false))
  const pipe = (topic: string, record: string) => driver.inputTopic(topic, TEXT).pipe(record)
  pipe('a', 'k:x@25s')
  pipe('b', 'k:x@5s')
  await driver.restart({ topology: cogrouped(true) })
  // Late for the first aggregator, and not for the second.
  pipe('a', 'k:x@12s')
  pipe('b', 'k:x@12s')
  expect(await driver.snapshot()).toEqual({ counts: { 'k[0,10s)': 1, 'k[10s,20s)': 1, 'k[20s,30s)': 1 } })
})
