import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('counts rows, not updates, and keeps a count of 0', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((_key, row) => [row, row], TEXT)
        .count({ value: TEXT.value })
        .toStream()
        .to('out'),
    ['a="x"@1', 'b="x"@2', 'a="x"@3', 'a=@4', 'b=@5']
  )
  expect(outputs).toEqual(['x=1@1', 'x=2@2', 'x=2@3', 'x=1@4', 'x=0@5'])
})

test('refuses a history, as every aggregation of a grouped table does', () => {
  const grouped = new StreamsBuilder().table('in', TEXT).groupBy((_key, row) => [row, row], TEXT)
  const options = { ...TEXT, name: 'agg', historyRetention: '1m' } as const
  const refused = (operator: string) =>
    expect.objectContaining({
      code: 'TOPOLOGY_INVALID',
      message: expect.stringContaining(
        `Node 'agg' cannot have a history retention, 1m: ${operator}() of a grouped table`
      )
    })
  const add = (_key: string, value: number, sum: number) => sum + value
  expect(() => grouped.count(options)).toThrow(refused('count'))
  expect(() => grouped.reduce(Math.max, Math.min, options)).toThrow(refused('reduce'))
  expect(() => grouped.aggregate(() => 0, add, add, options)).toThrow(refused('aggregate'))
})
