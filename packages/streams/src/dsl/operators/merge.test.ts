import { expect, test } from 'vitest'
import { int64, string } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('passes on the records of both streams', async () => {
  const outputs = await run(
    builder => builder.stream('in', TEXT).merge(builder.stream('other', TEXT)).to('out'),
    ['a=1@1', 'other>b=2@2']
  )
  expect(outputs).toEqual(['a=1@1', 'b=2@2'])
})

test('does not double the records of a stream merged with itself', async () => {
  const outputs = await run(
    builder => {
      const stream = builder.stream('in', TEXT)
      stream.merge(stream).to('out')
    },
    ['a=1@1']
  )
  expect(outputs).toEqual(['a=1@1'])
})

test('keeps serdes that both streams share, and asks for those that they do not', () => {
  const builder = new StreamsBuilder()
  const numbers = builder.stream('numbers', { key: string(), value: int64() })
  const merged = numbers.merge(builder.stream('texts', { key: string(), value: string() }))
  expect(() => merged.to('out')).toThrow(/'KSTREAM-SINK-0000000003' needs a serde for the value/)
})

test('refuses a stream of another builder', () => {
  const stream = new StreamsBuilder().stream('a', TEXT)
  expect(() => stream.merge(new StreamsBuilder().stream('b', TEXT))).toThrow(/of one StreamsBuilder/)
})
