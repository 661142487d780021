import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('gives each update a new key when asked to', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .toStream((key, value) => `${key}${value}`)
        .to('out', { key: TEXT.key }),
    ['a=1@1']
  )
  expect(outputs).toEqual(['a1=1@1'])
})
