import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('maps rows, not deletions', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .mapValues((value, key) => `${key}${value}`)
        .toStream()
        .to('out', { value: TEXT.value }),
    ['a=1@1', 'a=@2']
  )
  expect(outputs).toEqual(['a="a1"@1', 'a=@2'])
})

test('is looked up through the table above when it has no store, and has the timestamp of that row', async () => {
  const outputs = await run(
    builder => {
      const doubled = builder.table('rows', TEXT).mapValues((value: number) => value * 2)
      builder
        .stream('in', TEXT)
        .join(doubled, (value, row) => [value, row])
        .to('out', { value: TEXT.value })
    },
    ['rows>a=3@1', 'a=7@2', 'b=8@3']
  )
  expect(outputs).toEqual(['a=[7,6]@2'])
})

test('needs a value serde for a store', async () => {
  await expect(
    run(builder => builder.table('in', TEXT).mapValues((value: number) => value, { store: 's' }), [])
  ).rejects.toMatchObject({ code: 'TOPOLOGY_SERDE_MISSING' })
})
