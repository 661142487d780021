// Keys and values are written into buffers that are used again: none may be seen in the place of another.
import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import {
  murmur2Partition,
  type Processor,
  type ProcessorContext,
  type Serde,
  string,
  tumbling
} from '../../core/index.ts'
import { StreamsBuilder } from '../../dsl/index.ts'
import { TopologyBuilder } from '../../topology/index.ts'

const TEXT = { key: string(), value: string() }
const LENGTHS = [0, 1, 15, 16, 17, 82, 83, 84, 170, 171, 248, 600, 5461, 10_922, 10_923, 16_384, 40_000]
const KEYS = ['a', 'é', '😀'].flatMap(character => LENGTHS.map(length => character.repeat(length)))

test('keys and values of all lengths come out as they went in', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to('out', TEXT)
  await using driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', TEXT)
  const expected = KEYS.flatMap(key => ['', 'v', 'w'.repeat(10_900)].map(value => [key, key + value] as const))
  for (const [key, value] of expected) input.pipe(key, value, 1)
  expect(driver.outputTopic('out', TEXT).readKeyValues()).toEqual(expected)
})

test('the default partition is that of the key alone', () => {
  const bytes = Buffer.from('key and what lies behind it')
  expect(murmur2Partition(bytes, 1000, 3)).toBe(murmur2Partition(Buffer.from('key'), 1000))
})

/** One byte more or less than its room, at each length. */
const padded: Serde<string> = {
  name: 'padded',
  serialize: value => Buffer.from(value),
  deserialize: bytes => Buffer.from(bytes).toString(),
  serializeInto(value, buffer, at) {
    const bytes = Buffer.from(value)
    if (bytes.length > buffer.length - at) return bytes
    return at + bytes.copy(buffer, at)
  }
}

test.each([
  ['a key-value store', false],
  ['a window store', true]
])('%s keeps keys apart, whether they fit its buffer or not, and so does its changelog', async (_store, isWindowed) => {
  for (const key of [string(), padded]) {
    const builder = new StreamsBuilder()
    const grouped = builder.stream('in', { key, value: string() }).groupByKey()
    const counts = isWindowed
      ? grouped
          .windowedBy(tumbling('1h'))
          .count({ store: 'counts' })
          .toStream()
          .map((window, count) => [window.key, String(count)] as const)
      : grouped
          .count({ store: 'counts' })
          .toStream()
          .mapValues(count => String(count))
    counts.to('out', TEXT)
    await using driver = await TopologyTestDriver.open(builder.build())
    const input = driver.inputTopic('in', TEXT)
    // Short ones right after long ones, and around the buffers' sizes.
    const keys = [600, 1, 0, 300, 2, ...Array.from({ length: 60 }, (_, i) => 480 + i), 3].map(length =>
      'k'.repeat(length)
    )
    for (const each of keys) input.pipe(each, 'x', 1)
    await driver.restart({ disk: 'lost' })
    for (const each of keys) input.pipe(each, 'x', 1)
    const once = new Map(driver.outputTopic('out', TEXT).readKeyValues())
    expect(once).toEqual(new Map(keys.map(each => [each, '2'])))
  }
})

test('a partitioner that forwards another record leaves this one as it is', async () => {
  let context: ProcessorContext<string, string> | undefined
  const supplier = (): Processor<string, string, string, string> => ({
    init: given => void (context = given),
    process: record => context?.forward(record, 'outer')
  })
  const partitioner = () => {
    context?.forward({ key: 'other', value: 'another', timestampMs: 1, headers: [] }, 'inner')
    return 0
  }
  const builder = new TopologyBuilder()
    .addSource('source', { topics: 'in', ...TEXT })
    .addProcessor('forwards', supplier, ['source'])
    .addSink('outer', { topic: 'out', ...TEXT, partitioner }, ['forwards'])
    .addSink('inner', { topic: 'inner', ...TEXT }, ['forwards'])
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('in', TEXT).pipe('key', 'value', 1)
  expect(driver.outputTopic('out', TEXT).readKeyValues()).toEqual([['key', 'value']])
  expect(driver.outputTopic('inner', TEXT).readKeyValues()).toEqual([['other', 'another']])
})
