import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('gives the mapper the value and the key, null values too', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .mapValues((value, key) => `${key}:${value}`)
        .to('out', { value: TEXT.value }),
    ['a=1@1', 'a=@2']
  )
  expect(outputs).toEqual(['a="a:1"@1', 'a="a:null"@2'])
})

test('keeps the key serde and loses the value serde', async () => {
  await expect(
    run(
      builder =>
        builder
          .stream('in', TEXT)
          .mapValues(value => value)
          .to('out'),
      []
    )
  ).rejects.toMatchObject({ code: 'TOPOLOGY_SERDE_MISSING', details: { role: 'value' } })
})

test('needs no repartition topic before an aggregation', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .mapValues(value => value * 2)
        .groupByKey({ value: TEXT.value })
        .reduce((a, b) => a + b)
        .toStream()
        .to('out'),
    ['a=1@1', 'a=2@2']
  )
  expect(outputs).toEqual(['a=2@1', 'a=6@2'])
})
