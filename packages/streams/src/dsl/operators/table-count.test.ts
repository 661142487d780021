import { expect, test } from 'vitest'
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
