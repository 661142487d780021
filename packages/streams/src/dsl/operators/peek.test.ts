import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('shows each record and passes it on unchanged', async () => {
  const seen: unknown[] = []
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .peek((key, value) => seen.push([key, value]))
        .to('out'),
    ['a=1@1', 'b=@2']
  )
  expect(outputs).toEqual(['a=1@1', 'b=@2'])
  expect(seen).toEqual([
    ['a', 1],
    ['b', null]
  ])
})
