import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('passes on what fits, with key, value and time as they were', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .filter((_key, value) => value > 1)
        .to('out'),
    ['a=1@1', 'b=2@2', '=3@3']
  )
  expect(outputs).toEqual(['b=2@2', '=3@3'])
})

test('passes on what does not fit', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .filterNot((_key, value) => value > 1)
        .to('out'),
    ['a=1@1', 'b=2@2']
  )
  expect(outputs).toEqual(['a=1@1'])
})

test('shows null values to the predicate', async () => {
  const seen: unknown[] = []
  await run(
    builder =>
      builder.stream('in', TEXT).filter((_key, value) => {
        seen.push(value)
        return false
      }),
    ['a=@1']
  )
  expect(seen).toEqual([null])
})
