import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('makes any number of values under the same key', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .flatMapValues((text: string) => text.split(' '))
        .to('out', { value: TEXT.value }),
    ['a="x y"@1']
  )
  expect(outputs).toEqual(['a="x"@1', 'a="y"@1'])
})
