import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('takes the first value as it is and combines the others', async () => {
  let calls = 0
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .reduce((a, b) => {
          calls++
          return a + b
        })
        .toStream()
        .to('out'),
    ['a=1@5', 'a=2@3', 'b=1@1', 'a=@9', '=1@9']
  )
  expect(outputs).toEqual(['a=1@5', 'a=3@5', 'b=1@1'])
  expect(calls).toBe(1)
})
