import { expect, test } from 'vitest'
import type { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

const sums = (builder: StreamsBuilder) =>
  builder
    .stream('in', TEXT)
    .groupByKey()
    .aggregate(
      () => 0,
      (_key, value, sum: number) => sum + value || null,
      { store: 'sums', value: TEXT.value }
    )

test('combines the values of each key', async () => {
  const outputs = await run(builder => sums(builder).toStream().to('out'), ['a=1@1', 'b=5@2', 'a=2@3'])
  expect(outputs).toEqual(['a=1@1', 'b=5@2', 'a=3@3'])
})

test('keeps the highest timestamp when a late record arrives', async () => {
  expect(await run(builder => sums(builder).toStream().to('out'), ['a=1@9', 'a=2@3'])).toEqual(['a=1@9', 'a=3@9'])
})

test('drops null keys and null values', async () => {
  expect(await run(builder => sums(builder).toStream().to('out'), ['=1@1', 'a=@2'])).toEqual([])
})

test('deletes the row when the aggregate is null, and forgets its timestamp', async () => {
  const outputs = await run(builder => sums(builder).toStream().to('out'), ['a=1@9', 'a=-1@10', 'a=5@2'])
  expect(outputs).toEqual(['a=1@9', 'a=@10', 'a=5@2'])
})

test('forwards once per key with a record cache', async () => {
  const outputs = await run(builder => sums(builder).toStream().to('out'), ['a=1@1', 'b=1@1', 'a=2@2'], {
    cacheBytes: 100_000
  })
  expect(outputs.sort()).toEqual(['a=3@2', 'b=1@1'])
})
