import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('groups by the new key, through a repartition topic', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupBy((_key, value) => value.g, { key: TEXT.key })
        .count({ value: TEXT.value })
        .toStream()
        .to('out'),
    ['a={"g":"x"}@1', 'b={"g":"y"}@2', 'c={"g":"x"}@3', 'd={}@4']
  )
  expect(outputs).toEqual(['x=1@1', 'y=1@2', 'x=2@3'])
})
