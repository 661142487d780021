import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('deletes a group when a reducer gives null, and begins anew', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((_key, row) => ['all', row], TEXT)
        .reduce(
          (a, b) => a + b,
          (a, b) => a - b || null
        )
        .toStream()
        .to('out'),
    ['a=1@1', 'a=@2', 'b=4@3']
  )
  expect(outputs).toEqual(['all=1@1', 'all=@2', 'all=4@3'])
})
