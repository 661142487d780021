import { expect, test } from 'vitest'
import { json } from '../../core/index.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('takes a row out of its old group and adds it to the new one', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((_key, row) => [row.g, row.n], TEXT)
        .reduce(
          (a, b) => a + b,
          (a, b) => a - b
        )
        .toStream()
        .to('out'),
    ['a={"g":"x","n":1}@1', 'b={"g":"x","n":2}@2', 'a={"g":"y","n":1}@3', 'b=@4', 'c={"n":9}@5']
  )
  expect(outputs).toEqual(['x=1@1', 'x=3@2', 'x=2@3', 'y=1@3', 'x=0@4'])
})

test('makes one update of a row that stays in its group, also when the group is an object', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((_key, row) => [{ of: row.g }, row.n], { key: json<{ of: string }>(), value: TEXT.value })
        .reduce(
          (a, b) => a + b,
          (a, b) => a - b
        )
        .toStream()
        .map((group, sum) => [group.of, sum])
        .to('out', TEXT),
    ['a={"g":"x","n":1}@1', 'a={"g":"x","n":5}@2']
  )
  expect(outputs).toEqual(['x=1@1', 'x=5@2'])
})
