import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('gives each record a new key', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .selectKey((_key, value) => `k${value}`)
        .to('out', { key: TEXT.key }),
    ['a=1@1', '=2@2']
  )
  expect(outputs).toEqual(['k1=1@1', 'k2=2@2'])
})

test('makes equal keys meet in a repartition topic, where null keys are dropped', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .selectKey((_key, value) => (value === 0 ? null : 'all'))
        .groupByKey({ key: TEXT.key })
        .count({ value: TEXT.value })
        .toStream()
        .to('out'),
    ['a=1@1', 'b=0@2', 'c=2@3']
  )
  expect(outputs).toEqual(['all=1@1', 'all=2@3'])
})
