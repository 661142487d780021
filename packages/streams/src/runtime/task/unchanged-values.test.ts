// Values that nobody may change are written as they were read.
import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { json, type ProcessorContext, string, type TimestampExtractor } from '../../core/index.ts'
import { type KStream, StreamsBuilder } from '../../dsl/index.ts'

const TEXT = { key: string(), value: string() }
const READONLY = { key: string(), value: json<{ a: number }>({ readonly: true }) }
type Value = Readonly<{ a: number }>
type Stream = KStream<string, Value>
const READ = '{ "b": [1], "a": 1.0 }'

/** What comes out, as text, of values that are read from text. */
async function written(to: (input: Stream, second: Stream) => void, ...values: string[]): Promise<string[]> {
  const builder = new StreamsBuilder()
  to(builder.stream('in', READONLY), builder.stream('second', READONLY))
  await using driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', TEXT)
  const output = driver.outputTopic('out', TEXT)
  for (const value of values) input.pipe('k', value, 1)
  return output.readKeyValues().map(([, value]) => value as string)
}

test.each<readonly [string, (input: Stream) => void]>([
  ['to a topic', input => input.filter(() => true).to('out', READONLY)],
  ['to a topic that is computed', input => input.to(() => 'out', READONLY)],
  [
    'to a repartition topic',
    input =>
      input
        .selectKey(() => 'other')
        .repartition(READONLY)
        .to('out', READONLY)
  ],
  ['by a mapper that gives the same object', input => input.mapValues(value => value).to('out', READONLY)]
])('carried on as it was read, %s', async (_how, to) => {
  expect(await written(to, READ, '{"a":2}', '{ "a": 3 }')).toEqual([READ, '{"a":2}', '{ "a": 3 }'])
})

test.each<readonly [string, (input: Stream) => void]>([
  ['an equal object', input => input.mapValues(value => ({ ...value })).to('out', READONLY)],
  ['written with another serde', input => input.to('out', { key: string(), value: json<Value>() })],
  [
    'in the place of another',
    input =>
      input
        .process<string, Value>(() => {
          let context: ProcessorContext<string, Value>
          return {
            init: given => void (context = given),
            // The record is the one in work, its value is not the one that was read.
            process(record) {
              Object.assign(record, { value: { b: [1], a: 1 } })
              context.forward(record)
            }
          }
        })
        .to('out', READONLY)
  ]
])('turned into text: %s', async (_what, to) => {
  expect(await written(to, READ)).toEqual(['{"b":[1],"a":1}'])
})

test('of a primitive the text is made anew: an equal one may have been read from other bytes', async () => {
  expect(await written(input => input.to('out', READONLY), '1.0', '"\\u0061"')).toEqual(['1', '"a"'])
})

test('a value that was kept is turned into text when another record is in work', async () => {
  const keep = (input: Stream): void =>
    input
      .process<string, Value>(() => {
        let context: ProcessorContext<string, Value>
        let last: Value | undefined
        return {
          init: given => void (context = given),
          process(record) {
            if (last !== undefined) context.forward({ ...record, value: last })
            last = record.value as Value
          }
        }
      })
      .to('out', READONLY)
  expect(await written(keep, READ, '{ "a": 2 }', '{ "a": 3 }')).toEqual(['{"b":[1],"a":1}', '{"a":2}'])
})

test('each input has its own bytes', async () => {
  const builder = new StreamsBuilder()
  builder.stream('one', READONLY).merge(builder.stream('two', READONLY)).to('out', READONLY)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('one', TEXT).pipe('k', '{ "a": 1 }', 1)
  driver.inputTopic('two', TEXT).pipe('k', '{  "a":  2  }', 2)
  const values = driver.outputTopic('out', TEXT).readKeyValues()
  expect(values.map(([, value]) => value)).toEqual(['{ "a": 1 }', '{  "a":  2  }'])
})

test('what a mapper changed in place is written as it is now, of a serde that promises nothing', async () => {
  const plain = { key: string(), value: json<{ a: number }>() }
  const builder = new StreamsBuilder()
  builder
    .stream('in', plain)
    .mapValues(value => Object.assign(value, { a: 2 }))
    .to('out', plain)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('in', TEXT).pipe('k', '{ "a": 1 }', 1)
  expect(driver.outputTopic('out', TEXT).readKeyValues()).toEqual([['k', '{"a":2}']])
})

test('another serde that promises the same writes its own bytes', async () => {
  const other = {
    name: 'other',
    keepsBytes: true,
    serialize: (given: Value) => Buffer.from(`#${given.a}`),
    deserialize: (): Value => ({ a: 0 })
  }
  expect(await written(input => input.to('out', { key: string(), value: other }), READ)).toEqual(['#1'])
})

test('a value that the timestamp extractor put in the place of the one that was read is written', async () => {
  const builder = new StreamsBuilder()
  const timestampExtractor: TimestampExtractor = record => {
    Object.assign(record, { value: { a: 7 } })
    return 1
  }
  builder.stream('in', { ...READONLY, timestampExtractor }).to('out', READONLY)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('in', TEXT).pipe('k', READ, 1)
  expect(driver.outputTopic('out', TEXT).readKeyValues()).toEqual([['k', '{"a":7}']])
})
