import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('makes any number of records, in order, with the time of the input', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .flatMap((key, value: number) => Array.from({ length: value }, (_, i): [string, number] => [`${key}${i}`, i]))
        .to('out', TEXT),
    ['a=2@1', 'b=0@2', 'c=1@3']
  )
  expect(outputs).toEqual(['a0=0@1', 'a1=1@1', 'c0=0@3'])
})
